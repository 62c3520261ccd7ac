"""A callback for the Hugging Face Trainer: its logs into metrics.jsonl, its stop with a checkpoint.

It changes nothing of a training that is not asked to stop.
"""

from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from tuiswp import report


class TuiswpCallback(TrainerCallback):  # type: ignore[misc]  # transformers is not typed
    """Report to a sweep what the Trainer logs, under the names it logs it by.

    Add it with `Trainer(callbacks=[TuiswpCallback()])`, and `report_to="none"` if nothing else is
    to report. Each line has `step` (optimizer steps), `epoch` and `progress`.

    Asked to stop, it has the Trainer save a checkpoint after the step, leaves out the evaluation
    that was due, and ends the script with exit code 143: what comes after `train()` would take the
    rest of the grace and count for a training that is not over. Go on from the checkpoint with
    `trainer.train(resume_from_checkpoint=get_last_checkpoint(output_dir))`.
    """

    def __init__(self) -> None:
        self._leaving = False

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **rest: Any
    ) -> None:
        report.should_stop()  # from here on there is something to save

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **rest: Any,
    ) -> None:
        if state.is_world_process_zero and logs:
            share = state.global_step / state.max_steps if state.max_steps > 0 else None
            report.log(logs, step=state.global_step, progress=share)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **rest: Any
    ) -> None:
        if not _all_asked(args) or state.global_step >= state.max_steps:
            return  # or it is done: what it still does is to end
        self._leaving = True
        control.should_log = control.should_save = control.should_training_stop = True
        control.should_evaluate = False

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **rest: Any
    ) -> None:
        if not self._leaving:
            return
        if args.world_size > 1:
            import torch

            torch.distributed.barrier()  # a launcher ends all once one has left
        if state.is_world_process_zero:
            print(f"asked to stop: saved after step {state.global_step}", flush=True)
        raise SystemExit(report.STOPPED)


def _all_asked(args: TrainingArguments) -> bool:
    """Whether to stop, the same in every process: a TERM reaches each at another step."""
    asked = report.should_stop()
    if args.world_size <= 1:
        return asked
    import torch

    flag = torch.tensor(int(asked), device=args.device)
    torch.distributed.all_reduce(flag, op=torch.distributed.ReduceOp.MAX)
    return bool(flag.item())

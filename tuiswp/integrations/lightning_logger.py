"""A logger for Lightning: what a module logs into metrics.jsonl, and its stop with a checkpoint.

It changes nothing of a training that is not asked to stop.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tuiswp import report

# It is published under two names, and the classes of one are strangers to the other.
if TYPE_CHECKING or "lightning.pytorch" in sys.modules or "pytorch_lightning" not in sys.modules:
    from lightning.pytorch import Callback, LightningModule, Trainer
    from lightning.pytorch.loggers import Logger
    from lightning.pytorch.utilities.rank_zero import rank_zero_only
else:
    from pytorch_lightning import Callback, LightningModule, Trainer
    from pytorch_lightning.loggers import Logger
    from pytorch_lightning.utilities.rank_zero import rank_zero_only


class TuiswpLogger(Logger):  # type: ignore[misc]  # skipped by mypy: it takes longer than we do
    """Report to a sweep what a LightningModule logs, under the names it logs it by.

    Each line has `step`, `epoch` and `progress`. `Trainer(log_every_n_steps=…)` says how often.

    Asked to stop, it has the trainer save `stopped.ckpt` in the trial's directory after the batch,
    and ends the script with exit code 143. The same script goes on from there with

        logger = TuiswpLogger()
        Trainer(logger=logger).fit(module, ckpt_path=logger.resume_from)
    """

    def __init__(self) -> None:
        super().__init__()
        self._trainer: Trainer | None = None
        self._steps: float | None = None

    @property
    def name(self) -> str:
        return "tuiswp"

    @property
    def version(self) -> str:
        return ""

    @property
    def save_dir(self) -> str:
        return str(report.trial_dir())

    @property
    def resume_from(self) -> str | None:
        """The checkpoint that a stop left; None where there is none."""
        left = _checkpoint()
        return str(left) if left.exists() else None

    def log_graph(self, model: LightningModule, input_array: Any = None) -> None:
        """Lightning's first word before a run: from here on there is something to save."""
        trainer = model.trainer
        self._trainer, self._steps = trainer, None
        if not any(isinstance(one, _Stopper) for one in trainer.callbacks):
            trainer.callbacks.append(_Stopper())
        report.should_stop()

    def log_hyperparams(self, params: Any = None, *args: Any, **kwargs: Any) -> None:
        """Nothing: a sweep knows the parameters of its trials."""

    @rank_zero_only  # type: ignore[untyped-decorator]
    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        report.log(metrics, step=step, progress=self._progress())

    @rank_zero_only  # type: ignore[untyped-decorator]
    def finalize(self, status: str) -> None:
        trainer = self._trainer
        if status == "success" and trainer is not None and trainer.state.fn == "fit":
            _checkpoint().unlink(missing_ok=True)  # it came to its end: nothing to go on from

    def _progress(self) -> float | None:
        """How far the training is; None outside of it, or where it has no end."""
        trainer = self._trainer
        if trainer is None or trainer.state.fn != "fit":
            return None
        if self._steps is None:
            self._steps = trainer.estimated_stepping_batches
        share = trainer.global_step / self._steps if self._steps else 0.0
        return min(share, 1.0) if share else None


class _Stopper(Callback):  # type: ignore[misc]
    """Ends the training after a batch once it is asked to, and saves it on the way out."""

    def on_train_batch_end(self, trainer: Trainer, *args: Any, **kwargs: Any) -> None:
        asked = report.should_stop()
        if trainer.world_size > 1:
            asked = trainer.strategy.reduce_boolean_decision(asked, all=False)
        if asked:
            raise SystemExit(report.STOPPED)

    def on_exception(
        self, trainer: Trainer, module: LightningModule, exception: BaseException
    ) -> None:
        # Lightning hears the TERM too, and may be the first to act, with exit code 0.
        if not isinstance(exception, SystemExit) or not report.should_stop():
            return
        exception.code = report.STOPPED
        trainer.save_checkpoint(_checkpoint())
        if trainer.is_global_zero:
            print(f"asked to stop: saved after step {trainer.global_step}", flush=True)


def _checkpoint() -> Path:
    return report.trial_dir() / "stopped.ckpt"

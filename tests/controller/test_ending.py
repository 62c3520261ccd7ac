"""How an attempt ended and what follows: one cause, evidence, bounded retries."""

from pathlib import Path
from typing import get_args

import pytest
from msgspec.structs import replace

from tuiswp.controller import causes, ending
from tuiswp.controller.raised import raised
from tuiswp.launchers.base import ExitRecord
from tuiswp.model.sweep import Run
from tuiswp.model.trial import Attempt, Cause, KillRequest, Launching, Trial

RUN = Run(command=("true",), program=None, cwd="/")
TRIAL = Trial(
    7, {}, "k", "grid", Launching(0.0, "token", ()), attempts=(Attempt(1, 0.0, token="token"),)
)


def exit_record(
    code: int | None = None,
    signal: int | None = None,
    *,
    requested: str | None = None,
    error: str | None = None,
    oom: bool | None = None,
) -> ExitRecord:
    return ExitRecord("token", code, signal, requested, 0.0, 1.0, 1.0, error=error, oom_kill=oom)


def judged(
    record: ExitRecord, tail: bytes = b"", trial: Trial = TRIAL, run: Run = RUN
) -> ending.Ending:
    return ending.of_exit(trial, run, record, tail, now=1000.0)


@pytest.mark.parametrize("code", [1, 3, 137, 255])
def test_an_exit_code_is_a_failure_with_its_last_words(code: int) -> None:
    verdict = judged(exit_record(code), b"...\nValueError: lr must be positive\n\n")
    assert (verdict.cause, verdict.outcome) == ("exit-code", "failed")
    assert verdict.evidence == f"exit {code}: ValueError: lr must be positive"


def test_a_library_that_is_not_installed_says_what_brings_it() -> None:
    verdict = judged(exit_record(1), b"ModuleNotFoundError: No module named 'wandb'\n")
    assert verdict.evidence == (
        "exit 1: ModuleNotFoundError: No module named 'wandb'; "
        "pip install 'tuiswp[wandb]' in the environment it runs in"
    )
    other = judged(exit_record(1), b"ModuleNotFoundError: No module named 'wandbx'\n")
    assert "pip" not in other.evidence


def test_exit_0_is_done() -> None:
    assert judged(exit_record(0)).outcome == "done"


def test_a_signal_nobody_asked_for_is_retried_once_with_back_off() -> None:
    first = judged(exit_record(signal=9))
    assert (first.cause, first.outcome, first.retry) == ("signal", "queued", True)
    wait = first.retry_at - 1000.0
    assert ending.BACKOFF_S <= wait <= ending.BACKOFF_S * (1 + ending.JITTER)
    assert judged(exit_record(signal=9)).retry_at == first.retry_at, "the same for the same attempt"
    second = judged(exit_record(signal=9), trial=replace(TRIAL, retries=1))
    assert (second.outcome, second.retry) == ("failed", False)


def test_retries_of_the_file_also_cover_exit_codes_and_back_off_doubles() -> None:
    run = replace(RUN, retries=3)
    waits = [
        judged(exit_record(1), trial=replace(TRIAL, retries=n), run=run).retry_at - 1000.0
        for n in range(3)
    ]
    assert waits == [pytest.approx(waits[0] * factor) for factor in (1, 2, 4)]
    assert judged(exit_record(1), trial=replace(TRIAL, retries=3), run=run).outcome == "failed"


@pytest.mark.parametrize(
    ("tail", "cause"),
    [
        (b"torch.OutOfMemoryError: CUDA out of memory. Tried to allocate", "gpu-oom"),
        (b"RuntimeError: CUDA error: an illegal memory access was encountered", "gpu-fault"),
        (b"OSError: [Errno 28] No space left on device", "disk-full"),
    ],
)
def test_the_output_tells_known_causes(tail: bytes, cause: str) -> None:
    assert judged(exit_record(1), tail).cause == cause


# What torch 2.13 prints, with a logger's last words behind it.
TORCH_OOM = b"""\
  File "train.py", line 3, in <module>
    x = torch.empty(20 * 2**30, device="cuda")
torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has a total \
capacity of 79.15 GiB of which 12.34 GiB is free. Process 1234 has 66.80 GiB memory in use. Of \
the allocated memory 65.00 GiB is allocated by PyTorch, and 1.20 GiB is reserved by PyTorch.
wandb: Find logs at: ./wandb/offline-run/logs
"""


@pytest.mark.parametrize(
    "tail",
    [
        TORCH_OOM,
        b"torch.cuda.OutOfMemoryError: CUDA out of memory. Tried",
        b"RuntimeError: CUDA error: out of memory",
        b"RuntimeError: CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        b"torch.OutOfMemoryError: HIP out of memory. Tried to allocate 2.00 GiB",
        b"jaxlib.xla_extension.XlaRuntimeError: RESOURCE_EXHAUSTED: Out of memory while trying",
    ],
)
def test_out_of_gpu_memory_says_so_and_what_to_change(tail: bytes) -> None:
    verdict = ending.of_exit(
        TRIAL, replace(RUN, retries=3), exit_record(1), tail, now=0.0, remedy="halve it"
    )
    assert (verdict.cause, verdict.outcome, verdict.retry) == ("gpu-oom", "failed", False)
    assert verdict.evidence.endswith("; halve it")
    assert "wandb" not in verdict.evidence
    if tail == TORCH_OOM:
        assert "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00" in (
            verdict.evidence
        )


def test_out_of_gpu_memory_is_never_retried_as_it_was() -> None:
    verdict = judged(exit_record(1), b"CUDA out of memory", run=replace(RUN, retries=5))
    assert verdict.outcome == "failed"


def test_a_kill_by_the_kernel_needs_evidence_to_be_called_so() -> None:
    assert judged(exit_record(signal=9, oom=True)).cause == "host-oom"
    assert judged(exit_record(signal=9, oom=None)).cause == "signal"
    assert judged(exit_record(signal=15, oom=True)).cause == "signal"


@pytest.mark.parametrize(
    ("becomes", "outcome", "cause"),
    [
        ("killed", "killed", "killed-by-user"),
        ("paused", "paused", "paused-by-user"),
        ("queued", "queued", "killed-by-user"),
        ("stopped", "killed", "sweep-stopped"),
        ("hang", "failed", "hang"),
    ],
)
def test_what_was_asked_decides_what_it_becomes(becomes: str, outcome: str, cause: str) -> None:
    kill = KillRequest(1.0, "ann", "asked", becomes)  # type: ignore[arg-type]
    verdict = judged(exit_record(signal=15, requested="terminate"), trial=replace(TRIAL, kill=kill))
    assert (verdict.outcome, verdict.cause, verdict.retry) == (outcome, cause, False)
    assert "ann" in verdict.evidence


def test_an_attempt_that_ended_by_itself_before_the_kill_ended_by_itself() -> None:
    kill = KillRequest(1.0, "ann", "asked", "killed")
    assert judged(exit_record(0), trial=replace(TRIAL, kill=kill)).outcome == "done"


def test_a_timeout_is_a_failure_and_not_retried() -> None:
    run = replace(RUN, timeout_s=60.0, retries=2)
    verdict = judged(exit_record(signal=15, requested="timeout"), run=run)
    assert (verdict.cause, verdict.outcome) == ("timeout", "failed")


def test_a_program_that_cannot_start_is_a_launch_error() -> None:
    verdict = judged(exit_record(127, error="nosuch: not found"))
    assert (verdict.cause, verdict.evidence) == ("launch-error", "nosuch: not found")


def test_a_reboot_costs_no_retry() -> None:
    verdict = ending.of_loss(
        replace(TRIAL, retries=5), RUN, reboot=True, why="restarted", now=1000.0
    )
    assert (verdict.cause, verdict.outcome, verdict.retry) == ("reboot", "queued", False)


def test_without_evidence_it_is_lost_never_done() -> None:
    verdict = ending.of_loss(replace(TRIAL, retries=1), RUN, reboot=False, why="gone", now=0.0)
    assert (verdict.cause, verdict.outcome) == ("unknown", "lost")


def test_last_words_are_made_harmless() -> None:
    assert ending.last_line(b"fine\n\x1b]52;c;cm0=\x07 \xff[red]\n\n") == "␛]52;c;cm0=␇ �[red]"


def test_what_failed_together_does_not_come_back_together() -> None:
    def waits(token: str) -> float:
        trial = replace(TRIAL, attempts=(Attempt(1, 0.0, token=token),))
        return judged(exit_record(signal=9), trial=trial).retry_at

    assert len({waits(f"{number:032x}") for number in range(8)}) == 8


def test_a_full_disk_costs_no_retry_and_waits_longer_each_time_but_not_for_ever() -> None:
    full, tail = exit_record(1), b"OSError: [Errno 28] No space left on device"
    attempts: tuple[Attempt, ...] = (Attempt(1, 0.0, token="token"),)
    waits = []
    for number in range(2, ending.DISK_TRIES + 1):
        verdict = judged(full, tail, replace(TRIAL, attempts=attempts))
        assert (verdict.cause, verdict.outcome, verdict.retry) == ("disk-full", "queued", False)
        waits.append(verdict.retry_at - 1000.0)
        before = replace(attempts[-1], cause="disk-full")
        attempts = (*attempts[:-1], before, Attempt(number, 0.0, token="token"))
    assert waits == sorted(waits)
    assert waits[0] >= ending.DISK_WAIT_S
    last = judged(full, tail, replace(TRIAL, attempts=attempts))
    assert last.outcome == "failed"
    assert last.evidence.endswith("6 times in a row")


@pytest.mark.parametrize(
    ("code", "tail"),
    [
        (137, b"Killed\n"),
        (1, b"RuntimeError: DataLoader worker (pid 77) is killed by signal: Killed.\n"),
        (1, b"CalledProcessError: Command died with <Signals.SIGKILL: 9>.\n"),
    ],
)
def test_a_part_of_it_that_the_kernel_killed_for_memory_is_told_from_a_bug(
    code: int, tail: bytes
) -> None:
    assert judged(exit_record(code, oom=True), tail).cause == "host-oom"
    assert judged(exit_record(code, oom=False), tail).cause == "exit-code"
    assert judged(exit_record(code, oom=None), tail).cause == "exit-code"


@pytest.mark.parametrize(
    "tail",
    [
        b"RuntimeError: loss is nan at step 40\n",
        b"ValueError: Loss diverged: inf\n",
        b"RuntimeError: gradients are not finite\n",
        b"FloatingPointError: overflow encountered in exp\n",
        b"RuntimeError: Function 'LogSoftmaxBackward0' returned nan values in its 0th output; "
        b"NaN grad norm\n",
    ],
)
def test_a_training_that_ends_itself_over_nan_diverged_and_is_not_tried_again(tail: bytes) -> None:
    verdict = judged(exit_record(1), tail, run=replace(RUN, retries=3))
    assert (verdict.cause, verdict.outcome) == ("diverged", "failed")


@pytest.mark.parametrize(
    "tail",
    [
        b"ValueError: could not convert string to float: 'nano'\n",
        b"KeyError: 'loss'\n",
        b"ImportError: cannot import name 'inf' from 'mathx'\n",
    ],
)
def test_an_error_that_only_has_such_a_word_did_not_diverge(tail: bytes) -> None:
    assert judged(exit_record(1), tail).cause == "exit-code"


def test_an_objective_that_left_the_finite_is_a_cause_of_its_own_and_no_failure() -> None:
    how = "the last loss is not finite"
    done = ending.of_exit(TRIAL, RUN, exit_record(0), b"", now=0.0, diverged=how)
    assert (done.cause, done.outcome, done.evidence) == ("diverged", "done", f"exit 0; {how}")
    failed = ending.of_exit(TRIAL, RUN, exit_record(1), b"boom", now=0.0, diverged=how)
    assert (failed.cause, failed.outcome) == ("diverged", "failed")


def test_a_hang_is_tried_again_only_if_the_file_says_so() -> None:
    hung = replace(TRIAL, kill=KillRequest(1.0, "tuiswp", "silent for 9 min", "hang"))
    record = exit_record(signal=15, requested="terminate")
    assert judged(record, trial=hung).outcome == "failed"
    again = judged(record, trial=hung, run=replace(RUN, retries=1))
    assert (again.cause, again.outcome, again.retry) == ("hang", "queued", True)
    lost = ending.of_loss(hung, replace(RUN, retries=1), reboot=False, why="gone", now=1.0)
    assert (lost.cause, lost.outcome) == ("hang", "queued")


def test_the_documented_table_of_causes_is_the_one_that_decides() -> None:
    page = Path(__file__).parents[2].joinpath("docs", "failures.md").read_text()
    assert "\n".join(causes.table()) in page
    assert set(causes.CAUSES) == set(get_args(Cause))


TRACEBACK = b"""\
Traceback (most recent call last):
  File "/data/t0007/train.py", line 41, in main
    step(lr)
  File "/data/lib/model.py", line 7, in step
    raise ValueError(f"lr must be positive, got {lr}")
ValueError: lr must be positive, got -0.37 at 0x7f00aa11
"""


def test_the_same_bug_is_the_same_text_whatever_the_numbers() -> None:
    other = TRACEBACK.replace(b"-0.37", b"-1e-5").replace(b"0x7f00aa11", b"0x7f99bb22")
    text = raised(TRACEBACK, 1)
    assert text == (
        "ValueError: lr must be positive, got # at # "
        "at model.py:7 in step, from train.py:41 in main"
    )
    assert raised(other, 1) == text
    assert raised(TRACEBACK.replace(b"line 7", b"line 9"), 1) != text
    assert raised(b"usage\ntrain.py: error: unrecognized arguments: --foo=3\n", 2) == (
        "exit 2: train.py: error: unrecognized arguments: --foo=#"
    )
    assert raised(b"", 1) == raised(TRACEBACK, 0) == raised(TRACEBACK, None) == ""
    assert raised(b"Traceback (most recent call last):\n\x1b]0;x\x07: [/red]\n", 1).isprintable()

"""Say how an attempt ended and what follows: one cause, its evidence, one outcome. Pure.

Without evidence the cause is `unknown` and the trial is lost: it is never called done by guess.
"""

import hashlib
import re
import signal as signals
from collections.abc import Sequence
from typing import Literal, TypeAlias

import msgspec
from msgspec.structs import replace

from tuiswp.controller.causes import CAUSES, retries_of
from tuiswp.controller.raised import raised
from tuiswp.launchers.base import ExitRecord
from tuiswp.model.sweep import Run
from tuiswp.model.trial import Cause, Trial
from tuiswp.text import visible

Outcome: TypeAlias = Literal["done", "failed", "killed", "pruned", "lost", "paused", "queued"]

BACKOFF_S = 5.0
BACKOFF_CAP_S = 600.0
LAUNCH_CAP_S = 60.0  # somebody may have mended what is in the way

# torch's words since 0.4 (CUDA, ROCm), those of its allocator and cuBLAS, and of JAX.
_GPU_OOM = re.compile(
    rb"(?:CUDA|HIP|GPU) out of memory|torch\.(?:cuda\.)?OutOfMemoryError|CUDA_ERROR_OUT_OF_MEM"
    rb"|CUDA error: out of memory|CUBLAS_STATUS_ALLOC_FAILED|RESOURCE_EXHAUSTED: Out of memory"
)
_GPU_FAULT = re.compile(rb"CUDA error: (?!out of memory)|CUDNN_STATUS|NVML.*GPU is lost|Xid \d+")
_NO_MODULE = re.compile(
    r"ModuleNotFoundError: No module named '(wandb|tensorboard|transformers|peft)['.]"
)
# What brings it, of the extras of tuiswp.
_EXTRAS = {
    "wandb": "wandb", "tensorboard": "tensorboard", "transformers": "recipes", "peft": "recipes",
}  # fmt: skip
_DISK_FULL = re.compile(rb"No space left on device|Disk quota exceeded")
# What a training says that ends itself because its numbers left the finite.
_DIVERGED = re.compile(
    r"\b(?:loss|objective|metric|grad\w*|norm|weights?|param\w*|activations?|logits?)\b[^\n]{0,60}"
    r"\b(?:nan|inf|infinity|infinite|non-?finite|not finite|diverged)\b"
    r"|\b(?:nan|inf|infinite|non-?finite)\b[^\n]{0,30}\b(?:loss|grad\w*|norm|weights?|objective)\b"
    r"|^FloatingPointError\b|\btraining (?:has )?diverged\b",
    re.IGNORECASE,
)
# A worker of ours or the program of a shell was killed, and they tell of it by a code of their own.
_KILLED_BELOW = re.compile(rb"killed by signal: (?:Killed|9)|died with <Signals\.SIGKILL")
_SHELLS_SIGKILL = 128 + signals.SIGKILL

DISK_TRIES = 6  # attempts in a row that found no room; it may be the trial itself that fills it
DISK_WAIT_S = 60.0
JITTER = 0.25  # of a wait, so that what failed together does not come back together


class Ending(msgspec.Struct, frozen=True):
    """`retry`: relaunched at `retry_at` (wall seconds) at the cost of one of its retries."""

    cause: Cause
    evidence: str
    outcome: Outcome
    retry: bool = False
    retry_at: float = 0.0
    fresh: bool = False
    raised: str = ""  # as `controller.raised` has it, where it is a failure


def of_exit(
    trial: Trial,
    run: Run,
    record: ExitRecord,
    tail: bytes,
    *,
    now: float,
    complete: bool = False,
    remedy: str = "",
    gpu: str = "",
    diverged: str = "",
) -> Ending:
    """How an attempt with an `exit.json` ended; `tail` is the end of its output.

    A request counts only if the supervisor says it acted on one: an attempt that ended by itself
    just before the kill ended by itself. `complete`: its metrics say that it came to its end.
    `remedy`: what to say to one that ran out of GPU memory. `gpu`: what was reported of its GPUs.
    `diverged`: how its metrics say that the objective left the finite.
    """
    if trial.kill is not None and trial.kill.becomes == "queued":
        return _as_asked(trial, record)  # "again" was promised, however this one ended
    if record.requested == "timeout":
        return Ending("timeout", f"ran longer than {run.timeout_s:g} s", "failed")
    if record.requested not in (None, "interrupt") and trial.kill is not None:
        asked = _as_asked(trial, record)
        if asked.cause == "hang":
            return _with_retry(trial, run, "hang", asked.evidence, "failed", now=now)
        return asked
    if trial.interrupt is not None and _ended_for_it(trial, run, record, tail, complete):
        return _interrupted(trial, record)
    if record.error is not None:
        return Ending("launch-error", visible(record.error), "failed")
    if record.code == 0:
        if diverged:
            return Ending("diverged", f"exit 0; {diverged}", "done")
        return Ending("done", "exit 0", "done")
    verdict = _failed(trial, run, record, tail, now, remedy=remedy, gpu=gpu, diverged=diverged)
    if CAUSES[verdict.cause].counts:
        verdict = replace(verdict, raised=raised(tail, record.code))
    return verdict


def _failed(
    trial: Trial,
    run: Run,
    record: ExitRecord,
    tail: bytes,
    now: float,
    *,
    remedy: str,
    gpu: str,
    diverged: str,
) -> Ending:
    """An attempt that ended by itself, and not well."""
    cause, evidence = _natural(record, tail)
    if cause == "exit-code" and (diverged or _DIVERGED.search(last_line(tail))):
        cause, evidence = "diverged", evidence + (f"; {diverged}" if diverged else "")
    if cause == "gpu-oom" and remedy:
        evidence += f"; {remedy}"
    if gpu and cause in ("exit-code", "signal", "gpu-fault"):
        cause, evidence = "gpu-fault", f"{evidence}; {gpu}"
    return _with_retry(trial, run, cause, evidence, "failed", now=now)


def of_loss(trial: Trial, run: Run, *, reboot: bool, why: str, now: float) -> Ending:
    """How an attempt ended that left no `exit.json` and no process."""
    if trial.kill is not None:
        outcome, cause = _asked(trial)
        evidence = f"{trial.kill.why}; {why}"
        if cause == "hang":
            return _with_retry(trial, run, "hang", evidence, "failed", now=now)
        return Ending(cause, evidence, outcome, fresh=trial.kill.fresh)
    if reboot:  # nobody's fault: costs no retry
        return Ending("reboot", why, "queued")
    return _with_retry(trial, run, "unknown", why, "lost", now=now)


def excused(verdict: Ending, quarantined: Sequence[str]) -> Ending:
    """A failure on GPUs that are quarantined, told by name, is none of the trial's own."""
    if not quarantined or not CAUSES[verdict.cause].blames_gpu:
        return verdict
    if verdict.outcome not in ("failed", "lost", "queued"):
        return verdict
    where = " ".join(quarantined)
    evidence = f"{verdict.evidence}; on {where}, which is quarantined: taken back"
    return Ending(verdict.cause, evidence, "queued", fresh=verdict.fresh)


def _ended_for_it(trial: Trial, run: Run, record: ExitRecord, tail: bytes, complete: bool) -> bool:
    """Whether an interrupted attempt ended for the interrupt, or went on and ended otherwise.

    By SIGINT or what stands for it; else, whatever its exit code (a script may save and leave in
    good order), if it ended soon after and had not come to its end.
    """
    assert trial.interrupt is not None
    if record.signal == signals.SIGINT or record.code == 128 + signals.SIGINT:
        return True
    if record.code not in (0, None) and last_line(tail).startswith("KeyboardInterrupt"):
        return True
    soon = record.ended - trial.interrupt.at <= run.grace_s
    return soon and record.signal is None and record.error is None and not complete


def _interrupted(trial: Trial, record: ExitRecord) -> Ending:
    assert trial.interrupt is not None
    why = f": {trial.interrupt.why}" if trial.interrupt.why else ""
    evidence = f"interrupted by {trial.interrupt.by}{why}; {_how(record)}"
    return Ending("interrupted-by-user", evidence, "killed")


def _how(record: ExitRecord) -> str:
    return f"signal {record.signal}" if record.signal is not None else f"exit {record.code}"


def _as_asked(trial: Trial, record: ExitRecord) -> Ending:
    assert trial.kill is not None
    outcome, cause = _asked(trial)
    evidence = f"{trial.kill.why} (by {trial.kill.by}); {_how(record)}"
    return Ending(cause, evidence, outcome, fresh=trial.kill.fresh)


def _asked(trial: Trial) -> tuple[Outcome, Cause]:
    assert trial.kill is not None
    match trial.kill.becomes:
        case "paused":
            return "paused", "paused-by-user"
        case "queued":
            return "queued", "killed-by-user"
        case "stopped":
            return "killed", "sweep-stopped"
        case "pruned":
            return "pruned", "pruned"
        case "timeout":
            return "failed", "timeout"
        case "hang":
            return "failed", "hang"
        case "killed":
            return "killed", "killed-by-user"


def _natural(record: ExitRecord, tail: bytes) -> tuple[Cause, str]:
    if record.signal is not None:
        name = _signal_name(record.signal)
        if record.signal == signals.SIGKILL and record.oom_kill:
            return "host-oom", f"{name} while the kernel's out-of-memory counter rose"
        return "signal", f"{name}, not sent by tuiswp"
    last = last_line(tail)
    evidence = f"exit {record.code}" + (f": {last}" if last else "")
    below = record.code == _SHELLS_SIGKILL or _KILLED_BELOW.search(tail)
    if record.oom_kill and below:
        return "host-oom", f"{evidence}; the kernel's out-of-memory counter rose meanwhile"
    if _GPU_OOM.search(tail):
        said = [line for line in tail.splitlines() if _GPU_OOM.search(line)]
        return "gpu-oom", f"exit {record.code}: {last_line(said[-1])}"
    if _GPU_FAULT.search(tail):
        return "gpu-fault", evidence
    if _DISK_FULL.search(tail):
        return "disk-full", evidence
    missing = _NO_MODULE.search(last)
    if missing is not None:
        evidence += f"; pip install 'tuiswp[{_EXTRAS[missing[1]]}]' in the environment it runs in"
    return "exit-code", evidence


def _with_retry(
    trial: Trial, run: Run, cause: Cause, evidence: str, otherwise: Outcome, *, now: float
) -> Ending:
    if cause == "disk-full":
        return _when_there_is_room(trial, evidence, otherwise, now=now)
    if trial.retries >= retries_of(cause, run.retries):
        return Ending(cause, evidence, otherwise)
    wait = min(BACKOFF_S * 2**trial.retries, BACKOFF_CAP_S)
    return Ending(cause, evidence, "queued", retry=True, retry_at=now + _spread(trial, wait))


def _when_there_is_room(trial: Trial, evidence: str, otherwise: Outcome, *, now: float) -> Ending:
    """Not its fault, and nothing to try at once: again and again, later and later, at no cost."""
    before = 0
    for attempt in reversed(trial.attempts[:-1]):
        if attempt.cause != "disk-full":
            break
        before += 1
    if before + 1 >= DISK_TRIES:
        return Ending("disk-full", f"{evidence}; {before + 1} times in a row", otherwise)
    wait = min(DISK_WAIT_S * 2.0**before, BACKOFF_CAP_S)
    return Ending("disk-full", evidence, "queued", retry_at=now + _spread(trial, wait))


def _spread(trial: Trial, wait: float) -> float:
    """`wait` and up to a quarter more: the same for the same attempt, whoever asks and when."""
    token = trial.attempts[-1].token if trial.attempts else ""
    share = hashlib.blake2b(token.encode(), digest_size=2).digest()
    return wait * (1 + JITTER * int.from_bytes(share, "big") / 0xFFFF)


def launch_back_off(trial: Trial) -> float:
    """Seconds until a trial whose launch failed is tried again: longer each time in a row."""
    return min(BACKOFF_S * 2.0 ** min(failed_launches(trial), 10), LAUNCH_CAP_S)


def failed_launches(trial: Trial) -> int:
    """How many of its attempts in a row, before the one in flight, never began."""
    failed = 0
    for attempt in reversed(trial.attempts):
        if attempt.cause not in (None, "launch-error"):
            break
        failed += attempt.cause is not None
    return failed


def last_line(tail: bytes, *, limit: int = 200) -> str:
    """The last line of output that says anything, made safe to show."""
    for line in reversed(tail.splitlines()):
        if line.strip():
            return visible(line.decode("utf-8", "replace").strip(), limit=limit)
    return ""


def _signal_name(number: int) -> str:
    try:
        return signals.Signals(number).name
    except ValueError:
        return f"signal {number}"

"""Fold the ends of attempts into what they say about GPUs and the sweep. Pure.

It only counts: `controller.breakers` draws the conclusions, and records them as facts.
"""

import math
from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from tuiswp.controller.causes import CAUSES
from tuiswp.gpu.environment import CPU
from tuiswp.model.events import AttemptEnded, GpuQuarantined, GpuReleased
from tuiswp.model.health import STREAK_KEPT, Failure, GpuHealth, Health, Quarantine
from tuiswp.model.ids import attempt_id
from tuiswp.model.trial import Attempt, Lease, Trial
from tuiswp.text import visible

FAST_S = 60.0  # a failure this soon after its launch
STREAK = 3  # failures in a row that make a GPU suspect
CHANCE = 0.02  # at most, that as many failures in a row are no fault of the GPU
FIRST = 3  # trials, all failed at once, that pause a sweep
_RAISED_KEPT, _TRIALS_KEPT = 40, 12


def ended(health: Health, trial: Trial, event: AttemptEnded) -> Health:
    """One attempt is over; `trial` as it is after it."""
    attempt = trial.attempts[-1]
    leases = [lease for lease in attempt.leases if lease.uuid != CPU]
    if event.outcome in ("done", "pruned"):
        return _well(health, trial, attempt, leases)
    rule = CAUSES[event.cause]
    if event.outcome in ("killed", "paused") or not (rule.blames_gpu or rule.counts):
        return health
    took = max(0.0, (attempt.ended_at or 0.0) - attempt.launched_at)
    if rule.blames_gpu and leases:
        failure = Failure(trial.number, attempt.number, event.cause, event.evidence, took)
        health = _failed_there(health, failure, leases, attempt.ended_at or 0.0)
    if rule.counts and event.outcome in ("failed", "lost"):
        health = replace(health, failed=health.failed + 1, fast=health.fast + (took < FAST_S))
    raised = event.raised if isinstance(event.raised, str) else ""
    if rule.counts and raised:
        health = replace(
            health,
            alike=_noted(health.alike, raised, trial.number),
            raised=_noted(health.raised, raised, trial.number),
        )
    return health


def _noted(
    known: Mapping[str, tuple[int, ...]], raised: str, trial: int
) -> Mapping[str, tuple[int, ...]]:
    """One trial more that raised this; the newest kinds are kept."""
    trials = dict.fromkeys((*known.get(raised, ()), trial))
    rest = {what: those for what, those in known.items() if what != raised}
    if len(rest) >= _RAISED_KEPT:
        del rest[next(iter(rest))]
    return {**rest, raised: tuple(trials)[-_TRIALS_KEPT:]}


def _well(health: Health, trial: Trial, attempt: Attempt, leases: list[Lease]) -> Health:
    name = attempt_id(trial.number, attempt.number)
    gpus = dict(health.gpus)
    for lease in leases:
        gpu = gpus.get(lease.uuid) or GpuHealth(lease.uuid, lease.name)
        worked = gpu.quarantine and replace(gpu.quarantine, works=name)
        gpus[lease.uuid] = replace(
            gpu,
            done=gpu.done + 1,
            overcome=gpu.overcome + len(gpu.streak),
            streak=(),
            quarantine=worked,
        )
    here = {lease.uuid for lease in leases}
    for uuid, gpu in gpus.items():
        aside = gpu.quarantine
        if aside is not None and trial.number in aside.forgiven and uuid not in here:
            gpus[uuid] = replace(gpu, quarantine=replace(aside, cured=True))
    where = " ".join(lease.name for lease in leases)
    return replace(
        health,
        gpus=gpus,
        done=health.done + 1,
        well=health.well + bool(leases),
        last_well=f"{name} on {where}" if leases else health.last_well,
        alike={},
    )


def _failed_there(health: Health, failure: Failure, leases: list[Lease], at: float) -> Health:
    gpus = dict(health.gpus)
    here = {lease.uuid for lease in leases}
    healthy = any(uuid not in gpus or gpus[uuid].quarantine is None for uuid in here)
    for lease in leases:
        gpu = gpus.get(lease.uuid) or GpuHealth(lease.uuid, lease.name)
        if gpu.quarantine is not None:
            again = replace(gpu.quarantine, probes=gpu.quarantine.probes + 1, probed_at=at)
            gpus[lease.uuid] = replace(gpu, quarantine=again)
            continue
        first = gpu.elsewhere if gpu.streak else (health.well - gpu.done if gpu.done else 0)
        gpus[lease.uuid] = replace(
            gpu, streak=(*gpu.streak, failure)[-STREAK_KEPT:], elsewhere=first
        )
    for uuid, gpu in gpus.items():
        aside = gpu.quarantine
        if aside is None or uuid in here or failure.trial not in aside.forgiven or not healthy:
            continue
        also = tuple(dict.fromkeys((*aside.failed_elsewhere, failure.trial)))
        gpus[uuid] = replace(gpu, quarantine=replace(aside, failed_elsewhere=also))
    return replace(health, gpus=gpus)


def quarantined(
    health: Health, event: GpuQuarantined, taken_back: list[Failure], at: float
) -> Health:
    """A GPU is set aside; `taken_back`: the failures that ended a trial and are none any more."""
    gpu = health.gpus.get(event.uuid) or GpuHealth(event.uuid, event.name)
    forgiven = tuple(dict.fromkeys(trial for trial, _ in event.attempts))
    aside = Quarantine(at, event.by, event.why, forgiven)
    gpus = {**health.gpus, event.uuid: replace(gpu, streak=(), quarantine=aside)}
    guilty = set(event.attempts)
    for uuid, other in gpus.items():  # an attempt on several GPUs speaks against the guilty one
        streak = tuple(one for one in other.streak if (one.trial, one.attempt) not in guilty)
        if len(streak) < len(other.streak):
            gpus[uuid] = replace(other, streak=streak)
    alike = {
        what: rest
        for what, those in health.alike.items()
        if (rest := tuple(one for one in those if one not in forgiven))
    }
    return replace(
        health,
        gpus=gpus,
        failed=max(0, health.failed - len(taken_back)),
        fast=max(0, health.fast - sum(one.took_s < FAST_S for one in taken_back)),
        alike=alike,
    )


def released(health: Health, event: GpuReleased) -> Health:
    gpu = health.gpus.get(event.uuid)
    if gpu is None:
        return health
    free = replace(gpu, quarantine=None, streak=(), cleared=gpu.cleared + event.cleared)
    return replace(health, gpus={**health.gpus, event.uuid: free})


def resumed(health: Health, *, after_us: bool) -> Health:
    """What was there before says nothing against going on; only quarantines stay."""
    gpus = {uuid: replace(gpu, streak=()) for uuid, gpu in health.gpus.items()}
    return replace(
        health, gpus=gpus, done=0, failed=0, fast=0, alike={}, resumed=health.resumed + after_us
    )


def most(health: Health, gpu: GpuHealth) -> int:
    """Failures in a row that make it suspect: more, after it was suspected wrongly.

    More as well where trials fail now and then on GPUs that work: so many that chance alone makes
    them seldom.
    """
    least = int(STREAK * 2**gpu.cleared)
    others = [one for one in health.gpus.values() if one.uuid != gpu.uuid]
    failed, done = sum(one.overcome for one in others), sum(one.done for one in others)
    if not failed:
        return least
    by_chance = math.ceil(math.log(CHANCE) / math.log(failed / (failed + done + 1)))
    return min(max(least, by_chance), STREAK_KEPT)


def suspects(health: Health, *, early: bool) -> list[GpuHealth]:
    """GPUs that only fail lately; `early`, a single time is enough where three failed in all.

    Else a sweep that fails everywhere would fail three times on each of many GPUs.
    """
    free = [gpu for gpu in health.gpus.values() if gpu.quarantine is None and gpu.streak]
    failures = {one.id for gpu in free for one in gpu.streak}
    early = early and len(failures) >= FIRST
    return [gpu for gpu in free if len(gpu.streak) >= (1 if early else most(health, gpu))]


def held_back(health: Health, live: Iterable[Trial]) -> dict[str, str]:
    """By UUID, the suspects that wait for what runs on other GPUs, for whoever only reads."""
    waiting = suspects(health, early=health.done == 0)
    off = {gpu.uuid for gpu in waiting} | health.quarantined.keys() | {CPU}
    others = any(
        trial.attempts[-1].leases and off.isdisjoint(one.uuid for one in trial.attempts[-1].leases)
        for trial in (live if waiting else ())
    )
    return {gpu.uuid: held_words(gpu) for gpu in waiting} if others else {}


def held_words(gpu: GpuHealth) -> str:
    many = len(gpu.streak)
    failed = "its last attempt failed" if many == 1 else f"its last {many} attempts failed"
    name = visible(gpu.name, limit=20)
    return f"{name} is held back: {failed}, and another GPU is to tell whether that is its fault"

"""Which promise a storm broke, by what the trainings wrote, held against what tuiswp said.

Believes `Evidence` only. `Claims` is what tuiswp said: every fact that anybody could read while it
went on, and the story its journal tells at the end. Reads no file and asks no process.
"""

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from tests.faults.storm.evidence import Evidence, Life

GAP_S = 1.0  # the bar: a longer silence of a training is ours, unless the machine's own explains it
# By whom an end that a training did not announce can have been brought about.
ON_REQUEST = frozenset(
    {
        "killed-by-user",
        "paused-by-user",
        "sweep-stopped",
        "timeout",
        "pruned",
        "interrupted-by-user",
    }
)


class Told(msgspec.Struct, frozen=True):
    """What the journal says of one attempt. `asked`: it, or the sweep, was asked to end."""

    trial: int
    attempt: int
    token: str
    cause: str | None
    code: int | None = None
    signal: int | None = None
    asked: bool = False


class Claims(msgspec.Struct, frozen=True):
    """What tuiswp said, and what was found when all was over.

    `acked`: the journal's lines as they could be read during the storm, in order. `journal`: its
    lines now. `asked`: ids of requests whose askers heard that they are put; `applied`: those the
    journal has outcomes of. `unseen`: tokens whose supervisor the storm killed, so that nobody can
    have seen their end; `bereft`: those whose relay it killed as well, so that a hang-up reached
    the training. `states`: by trial. `points`: what the search proposed, by trial; the
    grid is 1, 2, 3 and so on. `optimum`: trial and value. `left`: processes and leases that nobody
    holds any more, in words.
    """

    acked: tuple[bytes, ...]
    journal: tuple[bytes, ...]
    asked: tuple[str, ...]
    applied: tuple[str, ...]
    attempts: tuple[Told, ...]
    states: Mapping[int, str]
    points: Mapping[int, int]
    optimum: tuple[int, float] | None
    unseen: frozenset[str] = frozenset()
    bereft: frozenset[str] = frozenset()
    left: tuple[str, ...] = ()


def broken(evidence: Evidence, claims: Claims) -> list[str]:
    """Every promise that does not hold, in words; empty if all do."""
    return [
        *_lost(claims),
        *_twice(evidence, claims),
        *_points(evidence, claims),
        *_together(evidence),
        *(f"{_name(life)}: silent for {gap:.2f} s" for life, gap in unexplained(evidence)),
        *_ends(evidence, claims),
        *_optimum(evidence, claims),
        *claims.left,
    ]


def _lost(claims: Claims) -> Iterator[str]:
    """P1: what was said stays said, in its order; what was asked is done once."""
    now = set(claims.journal)
    lost = [line for line in claims.acked if line not in now]
    if lost:
        yield f"{len(lost)} acknowledged facts are lost, first {lost[0]!r}"
    elif claims.journal[: len(claims.acked)] != claims.acked:
        yield "acknowledged facts are in another order"
    times = Counter(claims.applied)
    for request in claims.asked:
        if times[request] != 1:
            yield f"request {request} was applied {times[request]} times"


def _twice(evidence: Evidence, claims: Claims) -> Iterator[str]:
    """P2: an attempt is launched once at most, and none that the journal does not know."""
    for token, times in Counter(life.launch.token for life in evidence.lives).items():
        if times > 1:
            yield f"attempt {token} was launched {times} times"
    known = {(told.trial, told.attempt, told.token) for told in claims.attempts}
    for life in evidence.lives:
        if (life.trial, life.launch.attempt, life.launch.token) not in known:
            yield f"{_name(life)} ran and the journal does not know it"


def _points(evidence: Evidence, claims: Claims) -> Iterator[str]:
    """No point is left out or tried by two trials, and each training got its own."""
    if sorted(claims.points.values()) != list(range(1, len(claims.points) + 1)):
        yield f"the points tried are {sorted(claims.points.values())}"
    for life in evidence.lives:
        if life.launch.x != claims.points.get(life.trial, life.launch.x):
            yield f"{_name(life)} trained x={life.launch.x}, not its own point"


def _together(evidence: Evidence) -> Iterator[str]:
    """P2 and P5: no trial and no GPU has two of them at once, what they left behind included."""
    by_trial: dict[str, list[Life]] = {}
    by_gpu: dict[str, list[Life]] = {}
    for life in evidence.lives:
        by_trial.setdefault(f"t{life.trial:04d}", []).append(life)
        for gpu in filter(None, life.launch.gpus.split(",")):
            by_gpu.setdefault(gpu, []).append(life)
    for what, lives in (*by_trial.items(), *by_gpu.items()):
        lives.sort(key=lambda life: life.launch.t)
        for before, after in itertools.pairwise(lives):
            if max((before.end, *before.daemon)) >= after.launch.t:
                yield f"{what}: {_name(before)} and {_name(after)} lived at once"


def unexplained(evidence: Evidence) -> list[tuple[Life, float]]:
    """P3: silences over the bar that are ours.

    Beside the trainings a process beats that is nobody's: what it misses under the same load and on
    the same disk is the machine's, and is taken off.
    """
    return [
        (life, gap)
        for life in evidence.lives
        for before, after in itertools.pairwise(life.signs)
        if after - before > GAP_S
        and (gap := after - before - _machines(evidence.control, before, after)) > GAP_S
    ]


def worst_gaps(evidence: Evidence) -> tuple[float, float]:
    """The longest silence of any training, and of the process beside them."""
    gaps = [after - before for life in evidence.lives for before, after in _pairs(life.signs)]
    return max(gaps, default=0.0), max((b - a for a, b in _pairs(evidence.control)), default=0.0)


def _machines(control: Sequence[float], since: float, until: float) -> float:
    """How long the machine let nobody run between two moments: the control's own silence there."""
    return sum(
        max(0.0, min(after, until) - max(before, since))
        for before, after in _pairs(control)
        if after - before > GAP_S / 4 and before < until and after > since
    )


def _ends(evidence: Evidence, claims: Claims) -> Iterator[str]:
    """P3 and P6: each attempt has one end, and it is the one that the training told."""
    lives = evidence.by_token()
    for token, times in Counter(told.token for told in claims.attempts).items():
        if times > 1:
            yield f"attempt {token} ended {times} times"
    for told in claims.attempts:
        name = f"t{told.trial:04d}.{told.attempt}"
        if told.cause is None:
            yield f"{name} has no cause"
        elif (why := _contradiction(told, lives.get(told.token), claims)) is not None:
            yield f"{name} is called {told.cause}, but {why}"
    for number, state in claims.states.items():
        if state == "running":
            yield f"t{number:04d} is called running, and all is over"


def _contradiction(told: Told, life: Life | None, claims: Claims) -> str | None:
    unseen = told.token in claims.unseen
    if told.cause in ON_REQUEST:
        return None if told.asked else "nobody asked"
    if life is None:
        begun = told.cause not in ("launch-error", "unknown")
        return "it never began" if begun else None
    if told.cause == "launch-error":
        return "it began"
    if told.cause == "unknown":
        return None if unseen else "its supervisor was left alone"
    if life.over is None:
        hung_up = told.token in claims.bereft
        return None if hung_up or told.asked else "it did not end by itself, and nobody asked"
    said = (life.over.code, None) if not life.over.signal else (None, life.over.signal)
    if told.cause == "done" and said != (0, None):
        return f"the training told of {said}"
    if (told.code, told.signal) != said:
        return f"the training told of {said}, not {(told.code, told.signal)}"
    return None


def _optimum(evidence: Evidence, claims: Claims) -> Iterator[str]:
    """P7: the best of those that ended well, by what they said themselves."""
    worth = {life.trial: life.over.loss for life in evidence.lives if life.over is not None}
    done = [number for number, state in claims.states.items() if state == "done"]
    best = min(((worth[n], n) for n in done if n in worth), default=None)
    told = None if claims.optimum is None else (claims.optimum[1], claims.optimum[0])
    if told != best:
        yield f"the optimum is called {told}, but it is {best}"


def _pairs(times: Sequence[float]) -> Iterator[tuple[float, float]]:
    return itertools.pairwise(times)


def _name(life: Life) -> str:
    return f"t{life.trial:04d}.{life.launch.attempt}"

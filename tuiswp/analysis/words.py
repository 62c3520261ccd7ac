"""Numbers, durations and parameters as people read them. Pure; prints nothing."""

import math
import time
from collections.abc import Iterable, Mapping, Sequence

from tuiswp.model.space import Parameter, Params
from tuiswp.model.trial import STATES, Lease, State, Trial
from tuiswp.text import visible

NONE = "–"


def duration(seconds: float | None) -> str:
    """`0.4 s`, `18.2 s`, `3 min 05 s`, `2 h 10 min`, `3 d 4 h`."""
    if seconds is None or not math.isfinite(seconds):
        return NONE
    seconds = max(0.0, seconds)
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def ago(at: float, *, now: float | None = None) -> str:
    """When something happened: `just now`, `18 s ago`, `3 h ago`."""
    seconds = (time.time() if now is None else now) - at
    if seconds < 2:
        return "just now"
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit} ago"
    return f"{int(seconds)} s ago"


def clock(at: float) -> str:
    """A moment in local time, `2026-03-01 14:05:09`."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))


def share(progress: float | None) -> str:
    """Progress as percent, never rounded up: 0.999 is not 100 %."""
    if progress is None or not math.isfinite(progress):
        return NONE
    return f"{math.floor(max(0.0, min(1.0, progress)) * 100 + 1e-9)} %"


def step(value: float | None) -> str:
    return NONE if value is None else f"{value:g}" if abs(value) < 1e6 else f"{value:.0f}"


def memory(mib: int | None) -> str:
    """MiB as people say it: `812 MiB`, `79.6 GiB`."""
    if mib is None:
        return NONE
    return f"{mib} MiB" if mib < 1024 else f"{mib / 1024:.1f} GiB"


def assignments(params: Params, parameters: Sequence[Parameter], *, limit: int = 120) -> str:
    """`learning_rate=1e-3 rank=8`: the given parameters of one trial."""
    from tuiswp.spec.params import flatten, value_label  # brings what reads sweep files

    flat = flatten(params, parameters)
    pairs = (
        f"{visible(parameter.name, limit=40)}={value_label(parameter, flat[parameter.path])}"
        for parameter in parameters
        if parameter.path in flat
    )
    text = " ".join(pairs)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def places(leases: Iterable[Lease]) -> str:
    """`G0`, `G0 G1`, `cpu1`."""
    return " ".join(visible(lease.name, limit=20) for lease in leases)


def counts(trials: Iterable[Trial]) -> dict[State, int]:
    """How many trials are in each state; every state is a key."""
    found = dict.fromkeys(STATES, 0)
    for trial in trials:
        found[trial.state] += 1
    return found


def tally(found: Mapping[State, int]) -> str:
    """`3 done, 1 failed, 2 running`; `no trial yet`."""
    order: tuple[State, ...] = (
        "done", "failed", "lost", "killed", "pruned", "running", "queued", "paused",
    )  # fmt: skip
    parts = [f"{found[state]} {state}" for state in order if found.get(state)]
    return ", ".join(parts) or "no trial yet"


def bytes_size(count: int) -> str:
    """Bytes as people say them: `812 B`, `3.2 MiB`, `79.6 GiB`."""
    size, units = float(count), ["B", "KiB", "MiB", "GiB", "TiB"]
    while size >= 1024 and len(units) > 1:
        size /= 1024
        del units[0]
    return f"{count} B" if units[0] == "B" else f"{size:.1f} {units[0]}"


def several(count: int, noun: str) -> str:
    """`1 trial`, `7 trials`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"

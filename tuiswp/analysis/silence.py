"""Judge the silence of a running trial against its own rhythm. Pure: no clock, no files.

All times are watched seconds, which pass only while somebody looks: a controller that was stopped,
a machine that slept and a clock that was set make nobody silent. How long a trial may be silent is
said by what it did before; what its processes did meanwhile says what the silence means, and where
that is unknown it says nothing.
"""

from collections import deque
from collections.abc import Sequence

import msgspec

from tuiswp.analysis import words
from tuiswp.model.events import TrialSilent
from tuiswp.model.sweep import Hang
from tuiswp.model.trial import Silence, Silent
from tuiswp.text import visible

FLAG_S, KILL_S = 30.0, 1800.0  # never before, if the file does not say: to flag, to end
FIRST_S = 1800.0  # to the first row, while no other trial has shown how long that takes
FIRST_LEAST_S, FIRST_TIMES = 600.0, 5.0  # after it: of the slowest start there was
OWN_TIMES, USUAL_TIMES, OTHERS_TIMES = 3.0, 6.0, 1.5  # of the longest gap, the median, of others
BUSY_TIMES, BUSY_LEAST_S = 3.0, 900.0  # who computes may evaluate for the first time
SURE_S = 30.0  # what needs no comparison (stopped, waits for input) is said after this
GAPS = 3  # of its own, before a rhythm is believed
IDLE_CPU, IDLE_BYTES, IDLE_GPU = 0.02, 4096.0, 5  # of one core; a second; percent
_KEPT = 101


class Rhythm(msgspec.Struct, frozen=True):
    """How one attempt has reported so far. None: not seen yet."""

    gaps: int = 0
    usual_s: float | None = None
    longest_s: float | None = None


class Company(msgspec.Struct, frozen=True):
    """What the other trials of the sweep came back from: the slowest start, the longest gap."""

    start_s: float | None = None
    gap_s: float | None = None


class Pulse:
    """Told what one attempt was seen to do, it knows its rhythm and how long it is silent."""

    def __init__(self, at: float) -> None:
        self._row_at = self._sign_at = at
        self._longest: float | None = None
        self._gaps: deque[float] = deque(maxlen=_KEPT)
        self.rows = 0  # growths of its metrics that were seen

    @property
    def rhythm(self) -> Rhythm:
        if self._longest is None:
            return Rhythm()
        usual = sorted(self._gaps)[len(self._gaps) // 2]
        return Rhythm(len(self._gaps), usual, self._longest)

    def row(self, at: float) -> float:
        """Its metrics grew; the seconds since the last time, or since it began."""
        gap = max(0.0, at - self._row_at)
        if self.rows:
            self._gaps.append(gap)
            self._longest = max(gap, self._longest or 0.0)
        self.rows += 1
        self._row_at = self._sign_at = at
        return gap

    def sign(self, at: float) -> None:
        """It did something that is no row: it printed, or was let go on."""
        self._sign_at = at

    def skip(self, seconds: float) -> None:
        """Time in which it could not do anything, and which is not its own."""
        self._row_at += seconds
        self._sign_at += seconds

    def silence(self, at: float) -> float:
        return max(0.0, at - self._sign_at)


def allowed(rule: Hang, rhythm: Rhythm, company: Company, *, reported: bool) -> float:
    """How long a trial may be silent before it is looked at closely.

    `reported`: it has written a row in this attempt. Until its rhythm shows in a few gaps it is
    judged by the others; while there are none, only by what no start-up takes.
    """
    least = rule.after_s
    if least is None:
        least = FLAG_S if rule.action != "kill" else KILL_S
    if not reported:
        if rule.first_s is not None:
            return rule.first_s
        if company.start_s is None:
            return max(least, FIRST_S)
        return max(least, FIRST_LEAST_S, FIRST_TIMES * company.start_s)
    longest = OWN_TIMES * (rhythm.longest_s or 0.0)
    if rhythm.gaps < GAPS:
        others = OWN_TIMES * company.gap_s if company.gap_s is not None else FIRST_S
        return max(least, longest, others)
    usual = USUAL_TIMES * (rhythm.usual_s or 0.0)
    return max(least, longest, usual, OTHERS_TIMES * (company.gap_s or 0.0))


def allowed_busy(rule: Hang, limit_s: float) -> float:
    """The same for one whose processes work: it may evaluate, compile or save."""
    return max(BUSY_TIMES * limit_s, BUSY_LEAST_S if rule.after_s is None else 0.0)


class Sample(msgspec.Struct, frozen=True):
    """What the processes of an attempt had done by one moment. None: it could not be read.

    `cpu_s`, `moved`: CPU seconds and bytes read and written of all of them so far. `gpu`: percent,
    only of GPUs that the attempt has for itself. `states`: letters of /proc. `waits`: the kernel
    function its main process sleeps in. `stopped`, `input`: why that is certain, in words.
    """

    at: float
    processes: int = 0
    cpu_s: float | None = None
    moved: int | None = None
    gpu: int | None = None
    states: str = ""
    waits: str = ""
    stopped: str = ""
    input: str = ""


class Finding(msgspec.Struct, frozen=True):
    """A silence that lasts too long, and what it is."""

    kind: Silence
    silent_s: float
    limit_s: float
    evidence: str


def judge(
    silent_s: float,
    limit_s: float,
    busy_limit_s: float,
    rhythm: Rhythm,
    samples: Sequence[Sample],
) -> Finding | None:
    """What to say of a silence; None: nothing yet. `samples`: from early in it to now."""
    if not samples:
        return None
    now = samples[-1]
    soon = min(limit_s, SURE_S)
    if now.stopped:
        since = now.at
        for one in reversed(samples):
            if not one.stopped:
                break
            since = one.at
        if now.at - since < soon / 2:
            return None
        return Finding("stopped", silent_s, limit_s, now.stopped)
    if now.input and silent_s >= soon:
        return Finding("input", silent_s, limit_s, f"{_quiet(silent_s, rhythm)}; {now.input}")
    if silent_s < limit_s or len(samples) < 2:
        return None
    kind = _kind(samples)
    if kind == "busy" and silent_s < busy_limit_s:
        return None
    limit = busy_limit_s if kind == "busy" else limit_s
    return Finding(kind, silent_s, limit, f"{_quiet(silent_s, rhythm)}; {did(samples)}")


def _kind(samples: Sequence[Sample]) -> Silence:
    cpu, moved, gpu = rates(samples)
    works = (
        (cpu is not None and cpu >= IDLE_CPU)
        or (moved is not None and moved >= IDLE_BYTES)
        or (gpu is not None and gpu >= IDLE_GPU)
        or all("R" in one.states for one in samples)
    )
    if works:
        return "busy"
    return "blocked" if all("D" in one.states for one in samples) else "hang"


def rates(samples: Sequence[Sample]) -> tuple[float | None, float | None, int | None]:
    """Share of a core, bytes a second, and the most a GPU did, from the first to the last."""
    first, last = samples[0], samples[-1]
    span = last.at - first.at
    cpu = moved = None
    if span > 0 and first.cpu_s is not None and last.cpu_s is not None:
        # Less than before: a process that had worked has ended, and that too is a sign of life.
        cpu = abs(last.cpu_s - first.cpu_s) / span
    if span > 0 and first.moved is not None and last.moved is not None:
        moved = abs(last.moved - first.moved) / span
    seen = [one.gpu for one in samples if one.gpu is not None]
    return cpu, moved, max(seen, default=None)


def did(samples: Sequence[Sample]) -> str:
    """`its 2 processes used no CPU, GPU at 0 %, it sleeps in futex_do_wait`."""
    cpu, moved, gpu = rates(samples)
    now = samples[-1]
    who = "its process" if now.processes == 1 else f"its {now.processes} processes"
    if now.processes == 0:
        who = "its processes"
    if cpu is None:
        told = [f"what {who} did is not known"]
    elif cpu < IDLE_CPU:
        told = [f"{who} used no CPU"]
    else:
        told = [f"{who} used {100 * cpu:.0f}% of a core"]
    told.append("it printed nothing")
    if moved is not None and moved >= IDLE_BYTES:
        told.append(f"read and wrote {words.bytes_size(round(moved))} a second")
    if gpu is not None:
        told.append(f"its GPU was at {gpu} %" if gpu else "its GPU did nothing")
    if all("D" in one.states for one in samples):
        told.append("the kernel holds it in an uninterruptible wait")
    if now.waits and (cpu is None or cpu < IDLE_CPU):
        told.append(f"it sleeps in {visible(now.waits, limit=60)}")
    return ", ".join(told)


def _quiet(silent_s: float, rhythm: Rhythm) -> str:
    told = f"silent for {words.duration(silent_s)}"
    if rhythm.usual_s is None or rhythm.longest_s is None:
        return told
    return (
        f"{told}, usually heard of every {words.duration(rhythm.usual_s)} and after "
        f"{words.duration(rhythm.longest_s)} at most"
    )


_CALLED: dict[Silence, str] = {
    "hang": "hangs", "busy": "works and reports nothing", "stopped": "is stopped",
    "blocked": "is held by the kernel", "input": "waits for somebody to type",
}  # fmt: skip


SHORT: dict[Silence, str] = {
    "hang": "hangs", "busy": "silent", "stopped": "stopped", "blocked": "blocked",
    "input": "prompt",
}  # fmt: skip


def silence_text(found: TrialSilent | Silent) -> str:
    """`hangs: silent for 2 min 05 s, …; in wait (train.py:7)`."""
    where = f"; in {visible(found.where, limit=200)}" if found.where else ""
    return f"{_CALLED[found.kind]}: {visible(found.evidence, limit=600)}{where}"


def rule_text(rule: Hang) -> str:
    """What the rule is, for `check`."""
    if rule.action == "off":
        return "silent trials are not looked for (hang: off)"
    least = rule.after_s or (FLAG_S if rule.action == "flag" else KILL_S)
    end = "ended as a hang" if rule.action == "kill" else "flagged, never ended"
    first = words.duration(rule.first_s) if rule.first_s is not None else "what others needed"
    return (
        f"a trial without a sign of life for {words.duration(least)} and {OWN_TIMES:g} times its "
        f"own longest gap is {end}; until its first row {first} counts"
    )

"""The first line: which sweep, where, how old the data, how many trials, the best, the time left.

What is wrong is said first: a controller that died, a sweep that is stopping.
"""

from collections import Counter
from collections.abc import Sequence
from typing import ClassVar

from tuiswp.model.trial import State
from tuiswp.text import visible
from tuiswp.tui.columns import duration, value_text
from tuiswp.tui.moments import told
from tuiswp.tui.pieces import Line, Piece, Tone, cells, only_ascii, shorten
from tuiswp.tui.snapshot import Snapshot
from tuiswp.tui.widgets.piece_lines import PieceLines

_OLD_S = 5.0  # data of a running trial older than this is worth a second look
_COUNTED: tuple[tuple[State, str, str, Tone], ...] = (
    ("running", "running", "run", "run"),
    ("queued", "queued", "q", "plain"),
    ("paused", "paused", "paused", "warn"),
    ("done", "ok", "ok", "good"),
    ("failed", "failed", "x", "bad"),
    ("lost", "lost", "lost", "bad"),
    ("killed", "killed", "killed", "accent"),
    ("pruned", "pruned", "pruned", "accent"),
)
_ALWAYS_COUNTED = ("running", "queued", "done", "failed")
_WORDS: dict[str, tuple[str, Tone]] = {
    "running": ("", "plain"),
    "finished": ("finished", "good"),
    "read-only": ("read-only", "dim"),
    "paused": ("paused", "warn"),
    "stopping": ("stopping", "warn"),
    "stopped": ("stopped", "warn"),
    "orphaned": ("CONTROLLER DEAD, trials run on", "bad"),
    "interrupted": ("CONTROLLER DEAD, nothing is launched", "bad"),
}


class SweepHeader(PieceLines):
    """`show` it a snapshot and where it was taken."""

    DEFAULT_CSS: ClassVar[str] = """
    SweepHeader { height: 1; background: $panel; color: $text; }
    """

    def __init__(self, *, id: str | None = None, colour: bool = True, ascii: bool = False) -> None:
        super().__init__(id=id, colour=colour, ascii=ascii)
        self._shown: tuple[Snapshot, str] | None = None

    def show(self, snapshot: Snapshot, host: str = "") -> None:
        """`host`: this machine's name; empty: that of the journal."""
        self._shown = snapshot, host
        self.redraw()

    def lines_for(self, width: int, height: int) -> Sequence[Line]:
        if self._shown is None:
            return ()
        line = header_line(*self._shown, width)
        return (tuple((only_ascii(text), tone) for text, tone in line) if self.ascii else line,)


def header_line(snapshot: Snapshot, host: str, width: int) -> Line:
    """The line for `width` cells: long words where they fit, else short ones, else less."""
    for short in (False, True):
        groups = _groups(snapshot, host, short=short)
        line = _row(groups)
        if cells(line) <= width:
            return line
    # What may go, the first to go first; the name and the fault stay to the end.
    for name in ("host", "phase", "best", "eta", "age", "counts"):
        groups.pop(name)
        line = _row(groups)
        if cells(line) <= width:
            return line
    state = groups["state"]
    name = visible(snapshot.view.sweep.name, limit=200)
    room = width - cells(state) - 3
    return ((f" {shorten(name, max(3, room))}", "strong"), ("  ", "plain"), *state)


def _groups(snapshot: Snapshot, host: str, *, short: bool) -> dict[str, Line]:
    view = snapshot.view
    where = visible(host or view.state.host, limit=30 if short else 60)
    name = visible(view.sweep.name, limit=24 if short else 60)
    word, tone = _WORDS.get(view.word, (view.word, "plain"))
    if short and tone == "bad":
        word = "CONTROLLER DEAD"
    if view.elsewhere is not None:
        host = visible(view.elsewhere, limit=20 if short else 60)
        word, tone = f"{view.word} on {host}" + ("" if short else ", not seen from here"), "warn"
    if snapshot.trouble:
        word, tone = snapshot.trouble, "bad"
    if snapshot.as_of is not None:
        word, tone = f"{told(snapshot.as_of)}  ] forward", "warn"
    return {
        "name": ((f" {name}", "strong"),),
        "host": ((where if short or not where else f"host {where}", "dim"),) if where else (),
        "state": ((word, tone),) if word else (),
        "phase": _phase(snapshot, short=short),
        "age": _age(snapshot, short=short),
        "counts": _counts(snapshot, short=short),
        "best": _best(snapshot, short=short),
        "eta": _eta(snapshot),
    }


def _phase(snapshot: Snapshot, *, short: bool) -> Line:
    """Which phase it is in; nothing of a sweep without phases, or when all are over."""
    run = snapshot.view.state.phase
    if run is None:
        return ()
    place = f"{run.index + 1}/{len(snapshot.view.sweep.phases)}"
    name = visible(run.name, limit=12 if short else 24)
    return ((f"{place} {name}" if short else f"phase {place} {name}", "accent"),)


def _row(groups: dict[str, Line]) -> Line:
    out: list[Piece] = []
    for group in groups.values():
        if group:
            out += [("  ", "plain"), *group] if out else group
    return tuple(out)


def _age(snapshot: Snapshot, *, short: bool) -> Line:
    seconds = snapshot.data_age_s
    if seconds is None:
        return ()
    # What is old ticks once a second, then once a minute: a link pays for each tick.
    text = f"{max(0.0, seconds):.1f}s" if seconds < _OLD_S else duration(seconds)
    tone: Tone = "warn" if seconds > _OLD_S else "plain"
    return ((text if short else f"data {text} old", tone),)


def _counts(snapshot: Snapshot, *, short: bool) -> Line:
    found = Counter(row.state for row in snapshot.rows)
    out: list[Piece] = []
    for state, long, brief, tone in _COUNTED:
        count = found[state]
        if not count and (short or state not in _ALWAYS_COUNTED):
            continue
        text = f"{brief} {count}" if short else f"{long} {count}"
        out.append((f" {text}" if out else text, tone if count else "dim"))
    if snapshot.planned is not None:
        text = f"of {snapshot.planned}"
        out.append((f" {text}" if out else text, "dim"))
    return tuple(out)


def _best(snapshot: Snapshot, *, short: bool) -> Line:
    best, objective = snapshot.judgement.optimum, snapshot.view.sweep.objective
    if best is None or objective is None:
        return ()
    metric = "" if short else f" {visible(objective.metric, limit=30)}"
    return ((f"best {best.id}{metric} {value_text(best.value)}", "good"),)


def _eta(snapshot: Snapshot) -> Line:
    if snapshot.eta_s is not None:
        return ((f"ETA {duration(snapshot.eta_s)}", "plain"),)
    busy = any(row.state in ("running", "queued") for row in snapshot.rows)
    return (("ETA ?", "dim"),) if busy else ()

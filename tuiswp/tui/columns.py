"""The columns of the trials table: which fit a width, and the text of every cell. Pure; no Textual.

Columns go by priority: mark, id, state, objective and flags stay at any width; the trend, the step,
the time left, the parameters, the place, the age and the attempt go, the last first. Where a person
chose the columns, or moved sideways, they stand in their order behind the id, as many as fit.
Widths only grow while a table is shown, so that a shorter number does not move the screen.
"""

import math
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from rich.cells import cell_len

from tuiswp.analysis.braille import sparkline
from tuiswp.text import visible
from tuiswp.tui.pieces import fitted, keep_end, only_ascii, shorten
from tuiswp.tui.snapshot import TrialRow

PARAM = "param."  # the key of a parameter's column is this and its name
METRIC = "metric."  # likewise of a logged metric's; there only if chosen
FIRST = ("mark", "id")  # never chosen, moved or scrolled away
ALWAYS = ("mark", "id", "state", "value", "flags")
_BAR_MIN, _STEP = 5, 6
_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?(e[+-]?\d+)?", re.IGNORECASE)
_GROWS = ("state", "flags", "value", PARAM, METRIC, "trend", "step")
_CALLED = {
    "state": "state", "step": "step and progress", "progress": "progress in percent",
    "left": "time left", "trend": "trend", "place": "GPU", "age": "age", "attempt": "attempt",
    "flags": "flags",
}  # fmt: skip


class Column(NamedTuple):
    """One column as it is drawn; `key` is what one sorts by."""

    key: str
    title: str
    start: int
    width: int


class Layout(NamedTuple):
    """The columns that fit `width` cells, from left to right; `before`, `after`: out of sight."""

    columns: tuple[Column, ...]
    width: int
    before: int = 0
    after: int = 0

    def at(self, x: int) -> Column | None:
        """The column under the cell `x`."""
        return next((c for c in self.columns if c.start <= x < c.start + c.width), None)


class _Wish(NamedTuple):
    key: str
    title: str
    least: int
    most: int


class _Extent:
    """How much room the texts of a column need when numbers stand with their points in line."""

    __slots__ = ("left", "plain", "right")

    def __init__(self) -> None:
        self.left = self.right = self.plain = 0

    def take(self, text: str) -> bool:
        """True if the column must be wider for this text."""
        point = _point(text)
        if point is None:
            size = len(text) if text.isascii() else cell_len(text)
            if size <= self.plain:
                return False
            self.plain = size
            return True
        right = len(text) - point
        if point <= self.left and right <= self.right:
            return False
        self.left, self.right = max(self.left, point), max(self.right, right)
        return True

    @property
    def width(self) -> int:
        return max(self.left + self.right, self.plain)

    def align(self, text: str, width: int, *, ascii: bool = False) -> str:
        """`text` in exactly `width` cells: a number on the point, anything else from the left."""
        point = _point(text)
        if point is None:
            return fitted(shorten(text, width, ascii=ascii), width)
        if self.left + self.right > width:
            return narrow(text, width)
        return (" " * (self.left - point) + text).ljust(self.left + self.right).rjust(width)


class Sheet:
    """The widths of one table: feed it rows with `take`, ask for a `layout`, then for `cells`."""

    def __init__(
        self,
        names: Sequence[str],
        metric: str,
        *,
        logged: Sequence[str] = (),
        ascii: bool = False,
    ) -> None:
        """`names` of parameters, `logged` of the metrics that rows have values of."""
        self.names, self.metric, self.ascii = tuple(names), metric, ascii
        self.logged = tuple(logged)
        self.version = 0  # changes when a layout made before may no longer do
        self._fixed = {key: _Extent() for key in ("id", "word", "state", "value", "place", "flags")}
        self._params = [_Extent() for _ in names]
        self._logged = [_Extent() for _ in logged]

    def take(self, rows: Iterable[TrialRow]) -> None:
        """Make room for `rows`."""
        fixed, params, own = self._fixed, self._params, self._own
        grown = False
        for row in rows:
            grown |= fixed["id"].take(own(row.id))
            grown |= fixed["word"].take(row.state)
            grown |= fixed["state"].take(own(state_text(row)))
            grown |= fixed["value"].take(value_text(row.value))
            grown |= fixed["place"].take(own(row.place))
            if row.flags:
                grown |= fixed["flags"].take(own(" ".join(row.flags)))
            for extent, text in zip(params, row.params, strict=False):
                grown |= extent.take(own(text))
            for extent, value in zip(self._logged, row.logged, strict=False):
                grown |= extent.take(value_text(value))
        self.version += grown

    def layout(self, width: int, chosen: Sequence[str] | None = None, offset: int = 0) -> Layout:
        """The columns that fit `width`; `chosen`: their keys in order, None: by priority.

        `offset`: how many of them have been moved out of sight to the left.
        """
        wishes = {wish.key: wish for wish in self._wishes()}
        if chosen is None and offset <= 0:
            shown = [key for key in wishes if not is_extra(key)]
            widths, room = self._by_priority(wishes, width)
            _grow(widths, wishes, room)
            return Layout(_placed(wishes, widths), max(0, width), 0, len(shown) - len(widths))
        keys = self.arranged(chosen)
        offset = max(0, min(offset, len(keys) - 1))
        widths, room = self._in_order(wishes, keys[offset:], width)
        _grow(widths, wishes, room)
        after = len(keys) - offset - sum(key not in FIRST for key in widths)
        return Layout(_placed(wishes, widths), max(0, width), offset, after)

    def arranged(self, chosen: Sequence[str] | None) -> list[str]:
        """The keys of the columns behind the id, in order, without those that do not exist."""
        known = [wish.key for wish in self._wishes() if wish.key not in FIRST]
        if chosen is None:
            return [key for key in known if not is_extra(key)]
        return [key for key in dict.fromkeys(chosen) if key in known]

    def _by_priority(self, wishes: dict[str, _Wish], width: int) -> tuple[dict[str, int], int]:
        """The least widths of the columns that fit, and the room that is left."""
        widths = {key: wishes[key].least for key in wishes if key in ALWAYS}
        room = width - sum(widths.values()) - (len(widths) - 1)
        if room < 0:
            _squeeze(widths, width)
            room = 0
        for key in self._priority():
            wish = wishes.get(key)
            if wish is None:
                continue
            if wish.least + 1 > room:
                break
            widths[key] = wish.least
            room -= wish.least + 1
        return {key: widths[key] for key in wishes if key in widths}, room

    def _in_order(
        self, wishes: dict[str, _Wish], keys: Sequence[str], width: int
    ) -> tuple[dict[str, int], int]:
        """The same for columns in an order of their own: up to the first that does not fit."""
        widths = {key: wishes[key].least for key in FIRST}
        room = width - sum(widths.values()) - 1
        if room < 0:
            _squeeze(widths, width)
            return widths, 0
        for key in keys:
            least = min(wishes[key].least, room - 1) if len(widths) == 2 else wishes[key].least
            if least < 1 or least + 1 > room:
                break
            widths[key] = least
            room -= least + 1
        return widths, room

    def cells(self, row: TrialRow, layout: Layout) -> tuple[str, ...]:
        """The text of each column, exactly as wide as it; the mark's is blank."""
        return tuple(self._cell(row, column) for column in layout.columns)

    def titles(self, layout: Layout, sort: str = "", *, down: bool = False) -> tuple[str, ...]:
        """The header: `sort` names the column with the arrow, which is never cut off."""
        arrow = ("v" if down else "^") if self.ascii else ("↓" if down else "↑")
        out = []
        for column in layout.columns:
            tail = arrow if column.key == sort else ""
            text = shorten(self._own(column.title), column.width - len(tail), ascii=self.ascii)
            out.append(fitted(text + tail, column.width))
        return tuple(out)

    def _own(self, text: str) -> str:
        return only_ascii(text) if self.ascii else text

    def _priority(self) -> tuple[str, ...]:
        params = tuple(PARAM + name for name in self.names)
        return ("trend", "step", "left", *params, "place", "age", "attempt")

    def _wishes(self) -> list[_Wish]:
        fixed = self._fixed
        metric = cell_len(self._own(self.metric)) + 1
        value = max(fixed["value"].width, 3)
        flags = fixed["flags"].width
        word = max(fixed["word"].width, 5)
        return [
            _Wish("mark", "", 2, 2),
            _Wish("id", "trial", max(fixed["id"].width, 5), 0),
            _Wish("state", "state", word, min(max(fixed["state"].width, word), 22)),
            _Wish("step", "step", _STEP + 1 + _BAR_MIN, _STEP + 1 + 10),
            _Wish("left", "left", 5, 5),
            *(
                _Wish(
                    PARAM + name,
                    name,
                    max(2, min(max(extent.width, min(cell_len(name), 6)), 10)),
                    min(max(extent.width, cell_len(name) + 1), 24),
                )
                for name, extent in zip(self.names, self._params, strict=True)
            ),
            _Wish("value", self.metric or "value", max(value, min(metric, 8)), max(value, metric)),
            _Wish("trend", "trend", 6, 24),
            _Wish("place", "GPU", max(3, min(fixed["place"].width, 8)), 0),
            _Wish("age", "age", 5, 5),
            _Wish("attempt", "try", 3, 3),
            _Wish("progress", "done", 5, 5),
            *(
                _Wish(METRIC + name, visible(name, limit=40), max(7, extent.width), 0)
                for name, extent in zip(self.logged, self._logged, strict=True)
            ),
            _Wish("flags", "flags", max(5, min(flags, 6)), max(5, min(flags, 20))),
        ]

    def _cell(self, row: TrialRow, column: Column) -> str:
        key, width = column.key, column.width
        match key:
            case "mark":
                text = ""
            case "id":
                text = keep_end(self._own(row.id), width)
            case "state":
                text = self._own(state_text(row))
                text = (
                    text
                    if cell_len(text) <= width
                    else shorten_state(text, width, ascii=self.ascii)
                )
            case "value":
                return self._fixed["value"].align(value_text(row.value), width, ascii=self.ascii)
            case "step":
                bar = progress_bar(row.progress, width - _STEP - 1, ascii=self.ascii)
                text = f"{step_text(row.step):>{_STEP}} {bar}"
            case "left":
                text = f"{'?' if _unknown_eta(row) else duration(row.eta_s):>{width}}"
            case "trend":
                text = _trend(row.spark, width, self.ascii)
            case "place":
                text = shorten(self._own(row.place), width, ascii=self.ascii)
            case "age":
                text = f"{duration(row.age_s):>{width}}"
            case "attempt":
                text = f"{row.attempt if row.attempt else '':>{width}}"
            case "flags":
                text = flags_text(row.flags, width, ascii=self.ascii)
            case "progress":
                text = f"{percent(row.progress):>{width}}"
            case _ if key.startswith(METRIC):
                index = self.logged.index(key.removeprefix(METRIC))
                value = row.logged[index] if index < len(row.logged) else None
                return self._logged[index].align(value_text(value), width, ascii=self.ascii)
            case _:
                index = self.names.index(key.removeprefix(PARAM))
                label = self._own(row.params[index]) if index < len(row.params) else ""
                return self._params[index].align(label, width, ascii=self.ascii)
        return fitted(text, width)


def is_extra(key: str) -> bool:
    """True for a column that is there only if a person chose it."""
    return key == "progress" or key.startswith(METRIC)


def called(key: str, metric: str) -> str:
    """What a person reads of a column where there is room to say it; safe to show."""
    if key == "value":
        return f"{metric}, the objective"
    for kind, about in ((PARAM, "parameter"), (METRIC, "metric, last value")):
        if key.startswith(kind):
            return f"{visible(key.removeprefix(kind), limit=60)}  ({about})"
    return _CALLED.get(key, key)


def value_text(value: float | None) -> str:
    """Four significant digits: `0.1862`, `291.0`, `1.235e6`; `-` for none."""
    if value is None:
        return "-"
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "inf" if value > 0 else "-inf"
    return _four_digits(value)


@lru_cache(16384)
def _four_digits(value: float) -> str:
    if value == 0:
        return "0.000"
    mantissa, exponent = f"{value:.3e}".split("e")
    power = int(exponent)
    if -4 <= power < 6:
        return f"{value:.{max(0, 3 - power)}f}"
    return f"{mantissa}e{power}"


def narrow(text: str, width: int) -> str:
    """A number in too few cells: fewer digits, never a cut one; `#` when nothing fits."""
    for digits in ("", ".3g", ".2g", ".1g"):
        short = (
            format(float(text), digits).replace("e-0", "e-").replace("e+0", "e") if digits else text
        )
        if len(short) <= width:
            return short.rjust(width)
    return "#" * width


def step_text(step: float | None) -> str:
    """At most six characters: `1210`, `123.4k`, `2.5M`; `-` for none."""
    if step is None or not math.isfinite(step):
        return "-"
    if abs(step) < 1e5:
        text = f"{step:.0f}" if step == int(step) else f"{step:.1f}"
        return text if len(text) <= _STEP else f"{step:.0f}"
    for size, unit in ((1e3, "k"), (1e6, "M"), (1e9, "G"), (1e12, "T")):
        if abs(step) < size * 999.5:
            return f"{step / size:.3g}{unit}"
    return f"{step:.0e}"[:_STEP]


def duration(seconds: float | None) -> str:
    """At most five characters: `15s`, `41m`, `1h05`, `3d`; blank for none."""
    if seconds is None or not math.isfinite(seconds):
        return ""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m"
    if whole < 86400:
        return f"{whole // 3600}h{whole % 3600 // 60:02d}"
    return f"{min(whole // 86400, 9999)}d"


def percent(progress: float | None) -> str:
    """`62%`, never rounded up; `-` for none."""
    if progress is None or not math.isfinite(progress):
        return "-"
    return f"{math.floor(max(0.0, min(1.0, progress)) * 100 + 1e-9)}%"


def progress_bar(progress: float | None, width: int, *, ascii: bool = False) -> str:
    """A bar of `width` cells, blank when unknown; full only at the end."""
    if width <= 0 or progress is None or not math.isfinite(progress):
        return " " * max(0, width)
    filled = int(max(0.0, min(1.0, progress)) * width + 1e-9)
    full, empty = ("=", ".") if ascii else ("█", "░")
    return full * filled + empty * (width - filled)


def state_text(row: TrialRow) -> str:
    """`failed gpu-oom`: the state, and its cause where that says more."""
    return f"{row.state} {row.cause}" if row.cause and row.cause != row.state else row.state


def shorten_state(text: str, width: int, *, ascii: bool = False) -> str:
    """The state's word whole, then what fits of the cause."""
    word, _, cause = text.partition(" ")
    room = width - len(word) - 1
    return word[:width] if room < 4 else f"{word} {shorten(cause, room, ascii=ascii)}"


def flags_text(flags: Sequence[str], width: int, *, ascii: bool = False) -> str:
    """As many whole flags as fit, `BEST+1` when some do not."""
    names = [only_ascii(flag) for flag in flags] if ascii else list(flags)
    for count in range(len(names), 0, -1):
        more = f"+{len(names) - count}" if count < len(names) else ""
        text = " ".join(names[:count]) + more
        if cell_len(text) <= width:
            return text
    return shorten(names[0], width, ascii=ascii) if names else ""


def _unknown_eta(row: TrialRow) -> bool:
    return row.state == "running" and row.eta_s is None


@lru_cache(4096)
def _trend(values: tuple[float, ...], width: int, ascii: bool) -> str:
    return sparkline(values, width, ascii=ascii)


@lru_cache(16384)
def _point(text: str) -> int | None:
    """Where the fraction of a number begins; None for what is no number."""
    found = _NUMBER.fullmatch(text) if text.isascii() else None
    if found is None:
        return None
    return next((i for i, char in enumerate(text) if char in ".eE"), len(text))


def _squeeze(widths: dict[str, int], width: int) -> None:
    """Fit what always stays into too little: the flags give way first, the id's end last."""

    def over() -> int:
        return sum(widths.values()) + len(widths) - 1 - width

    for key in ("flags", "state", "value"):
        if key in widths:
            widths[key] -= max(0, min(over(), widths[key] - 3))
    for key in ("flags", "state", "mark", "value"):
        if over() > 0:
            widths.pop(key, None)
    widths["id"] -= max(0, min(over(), widths["id"]))


def _grow(widths: dict[str, int], wishes: dict[str, _Wish], room: int) -> None:
    """Give the room that is left to those that can use it, the neediest kind first."""
    for grows in _GROWS:
        for key in widths:
            if room > 0 and key.startswith(grows):
                more = max(0, min(room, wishes[key].most - widths[key]))
                widths[key] += more
                room -= more


def _placed(wishes: dict[str, _Wish], widths: dict[str, int]) -> tuple[Column, ...]:
    start = 0
    out = []
    for key, width in widths.items():
        out.append(Column(key, wishes[key].title, start, width))
        start += width + 1
    return tuple(out)

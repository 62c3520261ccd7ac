"""The GPU strip: use, memory, power, heat, whose trials are on each GPU, and which strangers.

What is not known is `?`, never 0. Without a GPU it says which CPU slots are taken.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

import msgspec
from msgspec.structs import replace
from textual.binding import Binding, BindingType
from textual.events import Click
from textual.message import Message

from tuiswp.controller.health import held_back
from tuiswp.gpu.inventory import GpuProcess, GpuReading, Inventory
from tuiswp.model.health import Health
from tuiswp.model.ids import parse_trial, trial_id
from tuiswp.model.trial import Launching, Running, Trial
from tuiswp.text import visible
from tuiswp.tui.columns import progress_bar
from tuiswp.tui.pieces import Line, Piece, Tone, cells, joined, only_ascii
from tuiswp.tui.widgets.piece_lines import PieceLines

_HOT_C = 85
_BAR, _WIDE = 10, 120
QUARANTINED, HELD = "quarantined", "held back"


class Tenants(msgspec.Struct, frozen=True):
    """Our trials on the machine: id by attempt token, ids by GPU UUID, ids by CPU slot.

    `by_name`: ids by the name of a GPU, as it was when it was leased. `idle`: ids of those that let
    a GPU idle. `chosen`: the one that is pointed at. `aside`: by UUID, in a word
    or two, why the sweep starts nothing on a GPU.
    """

    by_token: Mapping[str, str] = {}
    by_uuid: Mapping[str, tuple[str, ...]] = {}
    by_slot: Mapping[str, str] = {}
    by_name: Mapping[str, tuple[str, ...]] = {}
    idle: frozenset[str] = frozenset()
    chosen: str = ""
    aside: Mapping[str, str] = {}


def tenants(
    trials: Iterable[Trial], idle: Iterable[int] = (), health: Health | None = None
) -> Tenants:
    """Who of `trials` holds what now; `idle`: numbers of those that do not use it."""
    trials = list(trials)
    by_token: dict[str, str] = {}
    by_uuid: dict[str, tuple[str, ...]] = {}
    by_slot: dict[str, str] = {}
    by_name: dict[str, tuple[str, ...]] = {}
    for trial in trials:
        if not isinstance(trial.status, Launching | Running):
            continue
        by_token[trial.status.token] = trial.id
        for lease in trial.status.leases:
            if lease.uuid == "cpu":
                by_slot[lease.name] = trial.id
            else:
                by_uuid[lease.uuid] = (*by_uuid.get(lease.uuid, ()), trial.id)
                by_name[lease.name] = (*by_name.get(lease.name, ()), trial.id)
    idlers = frozenset(map(trial_id, idle))
    aside: dict[str, str] = {}
    if health is not None:
        aside |= dict.fromkeys(held_back(health, (t for t in trials if t.state == "running")), HELD)
        aside |= dict.fromkeys(health.quarantined, QUARANTINED)
    return Tenants(by_token, by_uuid, by_slot, by_name, idlers, aside=aside)


class GpuStrip(PieceLines, can_focus=True):
    """A line a GPU where the height allows, else several GPUs a line in a short form.

    Focused, it points at one of the trials there; enter, or a click, goes to it.
    """

    DEFAULT_CSS: ClassVar[str] = """
    GpuStrip { height: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,up,h,k", "point(-1)", show=False),
        Binding("right,down,l,j", "point(1)", show=False),
        Binding("enter", "go", show=False),
    ]

    class Chosen(Message):
        """Somebody wants to go to this trial."""

        def __init__(self, number: int) -> None:
            super().__init__()
            self.number = number

    def __init__(self, *, id: str | None = None, colour: bool = True, ascii: bool = False) -> None:
        super().__init__(id=id, colour=colour, ascii=ascii)
        self._shown: tuple[Inventory | None, Tenants, int | None] | None = None
        self._chosen = ""

    def show(self, inventory: Inventory | None, ours: Tenants, slots: int | None = None) -> None:
        """`inventory` None: not read yet. `slots`: CPU slots there are, None: unknown."""
        self._shown = inventory, ours, slots
        self.redraw()

    def lines_for(self, width: int, height: int) -> Sequence[Line]:
        if self._shown is None:
            return ()
        inventory, ours, slots = self._shown
        if self.has_focus:
            there = present(inventory, ours)
            if self._chosen not in there:
                self._chosen = there[0] if there else ""
            ours = replace(ours, chosen=self._chosen)
        lines = gpu_lines(inventory, ours, slots, width, height, ascii=self.ascii)
        if not self.ascii:
            return lines
        return [tuple((only_ascii(text), tone) for text, tone in line) for line in lines]

    def on_focus(self) -> None:
        self.redraw()

    def on_blur(self) -> None:
        self.redraw()

    def action_point(self, by: int) -> None:
        """Point at the next trial, or the one before."""
        there = present(*self._shown[:2]) if self._shown is not None else []
        if there:
            at = there.index(self._chosen) if self._chosen in there else 0
            self._chosen = there[(at + by) % len(there)]
            self.redraw()

    def action_go(self) -> None:
        if self._chosen:
            self.post_message(self.Chosen(parse_trial(self._chosen)))

    def on_click(self, event: Click) -> None:
        """The trial whose id is under the mouse."""
        line = (
            "".join(text for text, _ in self._lines[event.y]) if event.y < len(self._lines) else ""
        )
        for trial in present(*self._shown[:2]) if self._shown is not None else ():
            start = line.find(trial)
            if start >= 0 and start <= event.x < start + len(trial):
                event.stop()
                self.post_message(self.Chosen(parse_trial(trial)))


def present(inventory: Inventory | None, ours: Tenants) -> list[str]:
    """The ids of our trials as the strip shows them, each once."""
    gpus = inventory.gpus if inventory is not None else ()
    shown = [trial for gpu in gpus for trial in _ids(gpu, ours)]
    if not gpus:
        shown = [trial for name in sorted(ours.by_name) for trial in ours.by_name[name]]
        shown += [trial for _, trial in sorted(ours.by_slot.items())]
    return list(dict.fromkeys(shown))


def _trial(trial: str, ours: Tenants, after: str = "") -> Line:
    """A trial's id; what it lets idle is said."""
    if trial in ours.idle:
        after += " idle"
    return _told(trial, ours, after, doubtful=trial in ours.idle)


def _told(trial: str, ours: Tenants, after: str, *, doubtful: bool) -> Line:
    tone: Tone = "warn" if doubtful else "run"
    return ((trial, "found" if trial == ours.chosen else tone), (after, tone))


def _there(trial: str, gpu: GpuReading, ours: Tenants, after: str = "") -> Line:
    """A trial on a GPU; that it does not hold it is said."""
    if trial in ours.by_uuid.get(gpu.uuid, ()):
        return _trial(trial, ours, after)
    return _told(trial, ours, f"{after} strayed", doubtful=True)


def _trials(ids: Iterable[str], ours: Tenants) -> Line:
    return tuple(piece for trial in ids for piece in ((" ", "plain"), *_trial(trial, ours)))


def gpu_lines(
    inventory: Inventory | None,
    ours: Tenants,
    slots: int | None,
    width: int,
    height: int,
    *,
    ascii: bool = False,
) -> list[Line]:
    """At most `height` lines for `width` cells."""
    if height <= 0:
        return []
    if inventory is None:
        return [_leased(ours)]
    if not inventory.gpus:
        return [_without(inventory, ours, slots)]
    gpus = inventory.gpus
    trouble: Line = ()
    if inventory.problem is not None:
        trouble = ((f" NVML: {visible(inventory.problem, limit=120)}", "bad"),)
    room = height - bool(trouble)
    if trouble and room < 1:
        return [trouble]
    lines = [trouble] if trouble else []
    if len(gpus) <= room:
        return lines + [_line(gpu, ours, width, ascii=ascii) for gpu in gpus]
    return lines + _packed([_short(gpu, ours) for gpu in gpus], width, room)


def _line(gpu: GpuReading, ours: Tenants, width: int, *, ascii: bool) -> Line:
    """One GPU: the parts in the order of their worth, those that do not fit left out."""
    wide = width >= _WIDE
    bar = _BAR if wide else 6
    used, total = gpu.memory_used_mib, gpu.memory_total_mib
    share = None if used is None or not total else used / total
    use = None if gpu.utilization is None else gpu.utilization / 100
    gauge = progress_bar(use, bar, ascii=ascii)
    memory_bar: Piece = (f"{progress_bar(share, bar, ascii=ascii)} ", "plain")
    power = f"{_whole(gpu.power_w)}/{_whole(gpu.power_limit_w)} W"
    name = f" {visible(gpu.name, limit=24)}" if wide and gpu.name else ""
    heat: Tone = "bad" if (gpu.temperature_c or 0) >= _HOT_C else "plain"
    label: Line = ((f" {gpu.label}", "strong"), (name, "dim"))
    util: Line = (("util ", "dim"), (f"{gauge} ", "run"), (f"{_whole(gpu.utilization)}%", "plain"))
    memory: Line = (
        ("mem ", "dim"),
        *((memory_bar,) if wide else ()),
        (f"{_gib(used)}/{_gib(total)} GiB", _full(share)),
    )
    watts: Line = ((power, "plain"),)
    slow: Line = ((" slow", "warn"),) if gpu.health.slowed else ()
    degrees: Line = ((f"{_whole(gpu.temperature_c)}C", heat), *slow)
    problem: Line = ((visible(gpu.problem, limit=80), "bad"),) if gpu.problem else ()
    if gpu.uuid in ours.aside and not gpu.problem:
        problem = _aside(gpu, ours)
    who = _who(gpu, ours, long=wide)
    line: Line = ()
    for numbers in ((watts, degrees), (degrees,), ()):  # who is there matters more than the power
        line = joined([label, problem, util, memory, *numbers, who], 10_000)
        if cells(line) <= width:
            return line
    return joined([label, problem, who], 10_000) if problem else line


def _short(gpu: GpuReading, ours: Tenants) -> Line:
    """`G0 87% 82/144G t0044`, `G1 sick t0045`"""
    memory = f"{_gib(gpu.memory_used_mib)}/{_gib(gpu.memory_total_mib)}G"
    trials: list[Piece] = []
    for trial in _ids(gpu, ours):
        trials += [(" ", "plain"), *_there(trial, gpu, ours)]
    foreign = len(_strangers(gpu, ours))
    slow = " slow" if gpu.health.slowed else ""
    return (
        (f" {gpu.label}", "strong"),
        *(
            ((" sick", "bad"),)
            if gpu.problem
            else ((f" {_whole(gpu.utilization)}%{slow} {memory}", "plain"),)
        ),
        *(((" ", "plain"), *_aside(gpu, ours)) if gpu.uuid in ours.aside else ()),
        *trials,
        *(((f" +{foreign} foreign", "warn"),) if foreign else ()),
    )


def _aside(gpu: GpuReading, ours: Tenants) -> Line:
    word = ours.aside[gpu.uuid]
    return ((word, "bad" if word == QUARANTINED else "warn"),)


def _packed(shorts: Sequence[Line], width: int, height: int) -> list[Line]:
    """As many GPUs as fit in `height` lines, then how many are not shown."""
    lines: list[list[Piece]] = [[]]
    for index, short in enumerate(shorts):
        left = len(shorts) - index
        last = len(lines) == height
        more = len(f"  +{left} GPUs") if last and left > 1 else 0
        gap = 1 if lines[-1] else 0
        if lines[-1] and cells(lines[-1]) + gap + cells(short) + more > width:
            if last:
                lines[-1].append((f"  +{left} GPUs", "dim"))
                break
            lines.append([])
            gap = 0
        lines[-1] += [(" ", "plain"), *short] if gap else short
    return [tuple(line) for line in lines]


def _who(gpu: GpuReading, ours: Tenants, *, long: bool) -> Line:
    """`t0044 18G t0045 29G  foreign: alice python 9G`"""
    memory: dict[str, int] = {}
    for process in gpu.processes or ():
        trial = ours.by_token.get(process.token or "")
        if trial is not None and process.memory_mib is not None:
            memory[trial] = memory.get(trial, 0) + process.memory_mib
    out: list[Piece] = []
    for trial in _ids(gpu, ours):
        size = f" {_gib(memory[trial])}G" if trial in memory else ""
        told = _there(trial, gpu, ours, size)
        out += [(" ", "plain"), *told] if out else told
    strangers = _strangers(gpu, ours)
    if strangers:
        gap = "  " if out else ""
        shown = strangers[: 3 if long else 1]
        names = ", ".join(_stranger(process) for process in shown)
        more = f" +{len(strangers) - len(shown)}" if len(strangers) > len(shown) else ""
        out.append((f"{gap}foreign: {names}{more}", "warn"))
    elif gpu.processes is None:
        out.append((f"{'  ' if out else ''}processes ?", "dim"))
    return tuple(out)


def _ids(gpu: GpuReading, ours: Tenants) -> list[str]:
    """Our trials there: by the leases we hold, and by the processes that are seen."""
    tokens = [process.token for process in gpu.processes or () if process.token]
    seen = [ours.by_token[token] for token in tokens if token in ours.by_token]
    return sorted({*ours.by_uuid.get(gpu.uuid, ()), *seen}) if gpu.uuid else sorted(set(seen))


def _strangers(gpu: GpuReading, ours: Tenants) -> list[GpuProcess]:
    """Who computes there and is not ours, the largest first."""
    found = [p for p in gpu.processes or () if p.token not in ours.by_token and not p.graphics]
    return sorted(found, key=lambda process: -(process.memory_mib or 0))


def _stranger(process: GpuProcess) -> str:
    user = f"{visible(process.user, limit=16)} " if process.user else ""
    name = visible(process.name, limit=20) if process.name else f"pid {process.pid}"
    return f"{user}{name} {_gib(process.memory_mib)}G"


def _leased(ours: Tenants) -> Line:
    """What the leases say where no reading does: not yet, or no more, since it is the past."""
    held = [*sorted(ours.by_name.items())]
    held += [(slot, (trial,)) for slot, trial in sorted(ours.by_slot.items())]
    if not held:
        return ((" GPUs ?  not read", "dim"),)
    out: list[Piece] = [(" GPUs ?", "dim")]
    for name, ids in held:
        out += [(f"  {visible(name, limit=12)}", "plain"), *_trials(ids, ours)]
    return tuple(out)


def _without(inventory: Inventory, ours: Tenants, slots: int | None) -> Line:
    if inventory.source != "none":
        why = f": {visible(inventory.problem, limit=120)}" if inventory.problem else ""
        return ((f" GPUs ?  they cannot be read{why}", "bad"),)
    taken = sorted(ours.by_slot.items())
    total = "?" if slots is None else str(slots)
    out: list[Piece] = [(" no GPU", "dim"), (f"  CPU slots {len(taken)}/{total}", "plain")]
    for slot, trial in taken:
        out += [(f"  {visible(slot, limit=12)}", "plain"), *_trials((trial,), ours)]
    return tuple(out)


def _whole(value: float | None) -> str:
    return "?" if value is None else f"{value:.0f}"


def _gib(mib: int | None) -> str:
    if mib is None:
        return "?"
    gib = mib / 1024
    return f"{gib:.0f}" if gib >= 9.95 or mib == 0 else f"{gib:.1f}"


def _full(share: float | None) -> Tone:
    return "warn" if share is not None and share > 0.95 else "plain"

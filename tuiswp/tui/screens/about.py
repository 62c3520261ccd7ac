"""What a screen says of one trial: its title, and its facts in sections. Pure; draws nothing."""

from collections.abc import Sequence
from typing import Literal, TypeAlias

from rich.cells import cell_len

from tuiswp.analysis import tables
from tuiswp.analysis import words as say
from tuiswp.analysis.axes import measured
from tuiswp.controller import steered
from tuiswp.controller.client import SweepView
from tuiswp.model.ids import trial_id
from tuiswp.model.trial import Trial
from tuiswp.text import visible
from tuiswp.tui.pieces import Line, Piece, fitted, shorten
from tuiswp.tui.screens.facts import (
    attempt_lines,
    command_of,
    environment_lines,
    parameter_rows,
)
from tuiswp.tui.snapshot import ProcessLine, ProcessTree, Snapshot, TrialRow
from tuiswp.tui.widgets.prose import wrapped

Section: TypeAlias = Literal["parameters", "attempts", "command", "processes"]
_INDENT = 2  # columns a process stands to the right of its parent
_NESTED = 8  # levels that are shown so; deeper ones stand as these


def title(row: TrialRow | None, number: int) -> str:
    if row is None:
        return f"{trial_id(number)} is not in this sweep"
    parts = [row.id, row.state + (f" ({row.cause})" if row.cause not in ("", row.state) else "")]
    if row.step is not None:
        parts.append(f"step {say.step(row.step)}")
    if row.progress is not None:
        parts.append(say.share(row.progress))
    if row.eta_s is not None:
        parts.append(f"{say.duration(row.eta_s)} left")
    if row.value is not None:
        parts.append(f"value {measured(row.value)}")
    return visible("  ".join([*parts, *(part for part in (row.place, *row.flags) if part)]))


def sections(snapshot: Snapshot, number: int, width: int) -> list[tuple[Section, list[Line]]]:
    """Parameters, attempts, command and processes, each with its heading, for `width` columns."""
    view = snapshot.view
    trial = view.state.trials.get(number)
    if trial is None:
        return [("parameters", [(("nothing is known of this trial", "dim"),)])]
    running = trial.state == "running"
    processes = [(("4 processes", "accent"),), *_processes(snapshot, trial, width), ()]
    asked = [
        line
        for text in steered.about(trial, now=snapshot.at)
        for line in wrapped(text, width, "accent")
    ]
    found: list[tuple[Section, list[Line]]] = [
        ("parameters", [*asked, *_parameters(snapshot, trial, width), ()]),
        (
            "attempts",
            [(("2 attempts, newest first", "accent"),), *_attempts(snapshot, trial, width), ()],
        ),
        ("command", [(("3 command", "accent"),), *_command(view, trial, width), ()]),
    ]
    return [*found, ("processes", processes)] if running or trial.attempts else found


def _parameters(snapshot: Snapshot, trial: Trial, width: int) -> list[Line]:
    """Name, value and type; swept ones first and strong, what differs from the default marked."""
    baseline = snapshot.judgement.baseline
    compared = None if baseline is None or baseline.number == trial.number else baseline
    rows = parameter_rows(snapshot.view, trial, compared)
    about = "" if compared is None else f"   * is not as in the default, {compared.id}"
    lines: list[Line] = [(("1 parameters", "accent"), (about, "dim"))]
    wide = min(max((cell_len(row.name) for row in rows), default=0), max(8, width // 3))
    for row in rows:
        usual = "" if row.default is None else f"   default {row.default or 'has none'}"
        first, *rest = wrapped(f"{row.value}  {row.kind}{usual}", width - wide - 3)
        mark: Piece = ("  ", "plain") if row.default is None else ("* ", "warn")
        name: Piece = (
            fitted(shorten(row.name, wide), wide) + " ",
            "strong" if row.swept else "plain",
        )
        lines.append((mark, name, *first))
        lines += [((" " * (wide + 3), "plain"), *line) for line in rest]
    return lines


def _attempts(snapshot: Snapshot, trial: Trial, width: int) -> list[Line]:
    lines: list[Line] = []
    for text in attempt_lines(trial, snapshot.at):
        inside = len(text) - len(text.lstrip())
        margin: Piece = (" " * inside, "plain")
        lines += [(margin, *line) for line in wrapped(text.strip(), width - inside, indent=2)]
    if trial.kill is not None:
        by, reason = visible(trial.kill.by, limit=80), visible(trial.kill.why, limit=200)
        lines += wrapped(f"asked to end by {by}: {reason}", width, "warn", indent=2)
    return lines


def _command(view: SweepView, trial: Trial, width: int) -> list[Line]:
    command = command_of(view, trial)
    told = "unknown: something else launched this trial" if command is None else visible(command)
    lines = wrapped(told, width, indent=2)
    pinned = [] if view.foreign else environment_lines(trial)
    if pinned:
        lines.append((("pinned by its environment:", "dim"),))
        lines += [line for text in pinned for line in wrapped(f"  {text}", width, indent=4)]
    return lines


def _processes(snapshot: Snapshot, trial: Trial, width: int) -> list[Line]:
    tree = snapshot.processes
    if snapshot.view.foreign:
        return [(("unknown: something else launched this trial", "dim"),)]
    if trial.state != "running":
        return [(("none: it does not run", "dim"),)]
    if tree is None or tree.trial != trial.number:
        return [(("not read yet", "dim"),)]
    lines: list[Line] = []
    if tree.lines:
        lines = _tree_lines(tree, width)
    lines += wrapped(tree.note, width, "dim") if tree.note else ()
    if tree.stack:
        lines += [(), (("where it stood when it was found silent", "accent"),)]
        lines += [line for text in tree.stack for line in _stack_line(text, width)]
    return lines


def _stack_line(text: str, width: int) -> list[Line]:
    inside = min(len(text) - len(text.lstrip()), width // 3)
    return [((" " * inside, "plain"), *line) for line in wrapped(text.strip(), width - inside)]


def _tree_lines(tree: ProcessTree, width: int) -> list[Line]:
    headers = ("pid", "age", "cpu", "memory", "GPU", "command")
    rows = [_process(one) for one in tree.lines]
    head, *body = tables.table(headers, rows, width=width, right=(0, 2))
    return [((head, "dim"),), *(((text, "plain"),) for text in body)]


def _process(one: ProcessLine) -> Sequence[str]:
    """The cells of one process; `?` is unknown."""
    return (
        str(one.pid),
        "?" if one.age_s is None else say.duration(one.age_s),
        "?" if one.cpu_percent is None else f"{one.cpu_percent:.0f}%",
        "?" if one.rss_mib is None else say.memory(one.rss_mib),
        "?" if one.gpu_mib is None else "-" if not one.gpu_mib else say.memory(one.gpu_mib),
        " " * (_INDENT * min(one.depth, _NESTED)) + one.command,
    )

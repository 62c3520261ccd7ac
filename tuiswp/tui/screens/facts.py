"""What is known of one trial as text: parameters, attempts, command. Pure."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from tuiswp.analysis import words as say
from tuiswp.controller.client import SweepView
from tuiswp.controller.directory import SweepDirectory
from tuiswp.errors import SpecError
from tuiswp.gpu.environment import CPU, environment
from tuiswp.gpu.inventory import SIMULATED_PREFIX
from tuiswp.model.ids import attempt_id
from tuiswp.model.space import Parameter, Params, Path, Value
from tuiswp.model.trial import Attempt, Trial
from tuiswp.spec.command import CommandContext, expand
from tuiswp.spec.environment import shown_environ
from tuiswp.spec.params import label, swept, value_key, value_label
from tuiswp.text import shell_line, visible

_TYPES = {bool: "bool", int: "int", float: "float", str: "text", list: "list", dict: "group"}
_DEPTH = 16


def leaves(params: Params, above: Path = ()) -> Iterator[tuple[Path, Value]]:
    """Every value that is no group, by its path; an empty or too deep group is a value."""
    for name, value in params.items():
        path = (*above, name)
        if isinstance(value, dict) and value and len(path) < _DEPTH:
            yield from leaves(value, path)
        else:
            yield path, value


def type_name(value: Value) -> str:
    return "null" if value is None else _TYPES.get(type(value), type(value).__name__)


class ParameterRow(msgspec.Struct, frozen=True):
    """One parameter of a trial, safe to show.

    `default`: what the baseline has where that is another value ("" where it has none); None where
    it has the same, or no baseline is known.
    """

    name: str
    value: str
    kind: str
    swept: bool
    default: str | None = None


def parameter_rows(
    view: SweepView, trial: Trial, baseline: Trial | None = None
) -> list[ParameterRow]:
    """Swept ones first, each group in the trial's own order."""
    varying = {parameter.path for parameter in swept(view.sweep)}
    known = {parameter.path: parameter for parameter in view.sweep.parameters}
    usual = None if baseline is None else dict(leaves(baseline.params))
    rows = [
        ParameterRow(
            visible(".".join(path), limit=60),
            _spelled(known.get(path), value, 200),
            type_name(value),
            _covered(path, varying),
            None if usual is None else _default(known.get(path), path, value, usual),
        )
        for path, value in sorted(leaves(trial.params), key=lambda pair: pair[0] not in known)
    ]
    return sorted(rows, key=lambda row: not row.swept)


def _default(
    parameter: Parameter | None, path: Path, value: Value, usual: Mapping[Path, Value]
) -> str | None:
    if path not in usual:
        return ""
    same = value_key(value) == value_key(usual[path])
    return None if same else _spelled(parameter, usual[path], 60)


def _covered(path: Path, varying: set[Path]) -> bool:
    """A leaf is swept if its path is, or if it lies in a group that is swept as a whole."""
    return any(path[:size] in varying for size in range(1, len(path) + 1))


def attempt_lines(trial: Trial, now: float) -> list[str]:
    """Each launch, newest first: when, how long, where, and how it ended by what evidence."""
    lines = []
    for attempt in reversed(trial.attempts):
        head = [attempt_id(trial.number, attempt.number)]
        head.append(say.clock(attempt.launched_at))
        end = attempt.ended_at if attempt.ended_at is not None else now
        if attempt.started_at is None:
            head.append("not started")
        elif attempt.ended_at is None and attempt is not trial.attempts[-1]:
            head.append("end unknown")
        else:
            head.append(say.duration(end - attempt.started_at))
        where = " ".join(
            part
            for part in (
                say.places(attempt.leases),
                f"on {visible(attempt.host, limit=60)}" if attempt.host else "",
            )
            if part
        )
        if where:
            head.append(where)
        lines.append("  ".join([*head, _how(trial, attempt)]))
        if attempt.evidence:
            lines.append(f"    {visible(attempt.evidence, limit=600)}")
    return lines or ["none yet"]


def _how(trial: Trial, attempt: Attempt) -> str:
    """In a word or two how the attempt ended; what nobody knows is unknown."""
    if attempt.cause is None:
        newest = attempt is trial.attempts[-1]
        return trial.state if newest and trial.state == "running" else "end unknown"
    said: list[str] = [attempt.cause]
    if attempt.code is not None:
        said.append(f"code {attempt.code}")
    if attempt.signal is not None:
        said.append(f"signal {attempt.signal}")
    return ", ".join(said)


def environment_lines(trial: Trial) -> list[str]:
    """What pins the newest attempt to its place, `NAME=value`; nothing is known before a launch."""
    if not trial.attempts:
        return []
    leases = trial.attempts[-1].leases
    simulated = any(lease.uuid.startswith(SIMULATED_PREFIX) for lease in leases)
    pinned = environment(leases, simulated=simulated)
    lines = [f"{name}={visible(value, limit=400)}" for name, value in pinned.items()]
    if leases and all(lease.uuid == CPU for lease in leases):
        lines.append("CUDA_VISIBLE_DEVICES as the sweep was started with: a CPU slot pins none")
    return lines


def command_of(view: SweepView, trial: Trial, attempt: int | None = None) -> str | None:
    """The command line of an attempt (the newest), as a shell reads it; it acts on nothing.

    None where it is not known: something else launched the trial, or the file is damaged. The
    interpreter is the one the sweep names; where that is found is decided at the launch.
    """
    if view.foreign or not view.sweep.run.command:
        return None
    directory = SweepDirectory(view.directory)
    if attempt is None:
        attempt = trial.attempts[-1].number if trial.attempts else 1
    context = CommandContext(
        trial_dir=str(directory.trial(trial.number)),
        sweep_id="",
        run_id=attempt_id(trial.number, attempt),
        environ=shown_environ(view.sweep.run.env),
    )
    try:
        return shell_line(expand(view.sweep, trial.params, context).argv)
    except SpecError:
        return None


def _spelled(parameter: Parameter | None, value: Value, limit: int = 24) -> str:
    """A value as every table spells it; one that the sweep file does not know, as it is."""
    return label(value, limit) if parameter is None else value_label(parameter, value, limit)


def differing(
    trials: Sequence[Trial], parameters: Sequence[Parameter] = ()
) -> list[tuple[str, tuple[str, ...]]]:
    """(name, value by trial) of each parameter that is not the same in all; "" where it is absent.

    Values are compared as they are, not as they are shown: 1 and 1.0 and "1" differ.
    """
    known = {parameter.path: parameter for parameter in parameters}
    flat = [dict(leaves(trial.params)) for trial in trials]
    paths = dict.fromkeys(path for one in flat for path in one)
    rows = []
    for path in paths:
        seen = {(type_name(one[path]), repr(one[path])) if path in one else None for one in flat}
        if len(seen) > 1:
            shown = tuple(
                _spelled(known.get(path), one[path]) if path in one else "" for one in flat
            )
            rows.append((visible(".".join(path), limit=60), shown))
    return rows

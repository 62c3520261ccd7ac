"""`tuiswp init -- COMMAND`: a sweep file for a training script, from what it says and shows itself.

It runs COMMAND with `--help`, and once as it is for a short time, never through a shell. It writes
one file, and over one that exists only with `--force` or after a yes.
"""

import os
import shutil
import tempfile
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from pathlib import Path

import msgspec

from tuiswp.analysis.words import several
from tuiswp.cli import output, questions
from tuiswp.errors import EnvironmentFault, ExitCode, SpecError, UsageError
from tuiswp.model.sweep import Goal
from tuiswp.scripts.deciding import goal_of, ranked
from tuiswp.scripts.given import into_trial, with_given
from tuiswp.scripts.options import Interface
from tuiswp.scripts.probe import probe
from tuiswp.scripts.proposal import Proposed, at_first, propose, search_of
from tuiswp.scripts.reading import read_script, runner
from tuiswp.scripts.source import script_of
from tuiswp.scripts.sweep_text import Draft, seen_lines, sweep_text
from tuiswp.search.suggest import planned_trials
from tuiswp.spec.command import default_interpreter
from tuiswp.spec.load import load
from tuiswp.spec.names import safe_name
from tuiswp.spec.scale import spell
from tuiswp.text import shell_line, visible

_SECONDS = 60.0
_SHOWN = 12
_EXAMPLES = """\
  tuiswp init -- python train.py --epochs 3
  tuiswp init --yes --output lr.yaml -- torchrun train.py --data corpus

What the command gives (--epochs 3) stays as it is in every trial; what is swept is taken out of
it, and its value becomes the baseline. More: docs/init.md
"""


def add_arguments(parser: ArgumentParser, name: str) -> None:
    parser.usage = "tuiswp init [--yes] [--output FILE] [--no-probe] … -- COMMAND …"
    parser.formatter_class = RawDescriptionHelpFormatter
    parser.epilog = _EXAMPLES
    add = parser.add_argument
    add("words", nargs="*", metavar="COMMAND …", help="how you start the training now, after --")
    add("--output", metavar="FILE", default="sweep.yaml", help="file to write (sweep.yaml)")
    add("--yes", action="store_true", help="ask nothing: take what is proposed")
    add("--force", action="store_true", help="write over FILE if it exists")
    add("--no-probe", action="store_true", help="do not run it to see what it logs")
    add(
        "--seconds", type=float, default=_SECONDS, metavar="N",
        help="how long the probe, and its --help, may run (60)",
    )  # fmt: skip
    add("--metric", metavar="NAME", help="the metric that decides")
    add("--goal", choices=("minimize", "maximize"), help="its goal")


def run(arguments: Namespace) -> int:
    asks = not arguments.yes and questions.are_possible()
    path = Path(arguments.output)
    if not 0 < arguments.seconds <= 3600:
        raise UsageError(f"--seconds {arguments.seconds:g} is not in 0 to 3600")
    _see_free(path, force=arguments.force, asks=asks)
    cwd = Path.cwd()
    argv = _command(arguments.words, cwd)
    output.say(f"reading its options: {shell_line(argv)}")
    reading = read_script(argv, cwd, runner(cwd, arguments.seconds))
    if reading.trouble is not None:
        output.warn(reading.trouble)
    draft = Draft(
        argv=tuple(argv),
        name=_name_of(argv, cwd),
        file=str(path),
        interface=None,
        chosen=(),
        metric=arguments.metric,
        goal=arguments.goal,
        defaults_from=None if reading.from_source is None else reading.from_source.name,
        remarks=() if reading.trouble is None else (reading.trouble,),
    )
    if reading.interface is None:
        return _unfinished(path, draft)
    interface = with_given(reading.interface, argv)
    output.say(f"{interface.family}: {several(len(interface.options), 'option')}")
    draft = msgspec.structs.replace(draft, interface=interface)
    if not arguments.no_probe and (not asks or questions.yes(_may_run(arguments.seconds))):
        draft = _probed(draft, cwd, arguments.seconds)
    draft = _judged(_chosen(draft, interface, asks=asks), asks=asks)
    if not draft.chosen:
        return _unfinished(path, draft)
    _write(path, sweep_text(draft))
    _told(path, draft)
    return ExitCode.OK


# ── what is run ──────────────────────────────────────────────────────────────────────────────────


def _command(words: Sequence[str], cwd: Path) -> list[str]:
    """The command as it can be run. Raises UsageError that says what is not there."""
    if not words:
        raise UsageError(
            "no command is given", hint="write how you start it: tuiswp init -- python train.py"
        )
    argv = list(words)
    if argv[0].endswith(".py") and not os.access(cwd / argv[0], os.X_OK):
        argv.insert(0, default_interpreter(os.environ))
    script = next((word for word in argv if word.endswith(".py")), None)
    if script is not None and "-m" not in argv and not (cwd / script).is_file():
        raise UsageError(
            "does not exist",
            where=visible(script),
            hint="name the script as it is seen from here, or go to its directory first",
        )
    if shutil.which(argv[0], path=os.environ.get("PATH")) is None:
        raise UsageError(
            "is no program that is found in PATH",
            where=visible(argv[0]),
            hint="give the command as you type it: tuiswp init -- python train.py",
        )
    return argv


def _may_run(seconds: float) -> str:
    return f"Run it now for at most {seconds:g} s, to see what it logs and how fast?"


def _probed(draft: Draft, cwd: Path, seconds: float) -> Draft:
    """`draft` with what one short run showed."""
    assert draft.interface is not None
    kept, places = into_trial(draft.argv, draft.interface)
    named = {word.partition("=")[0] for word in kept}
    shorter = [word for word in draft.interface.shorter if word.partition("=")[0] not in named]
    argv = [*kept, *places, *shorter]
    output.say(f"running it for at most {seconds:g} s: {shell_line(argv)}")
    scratch = Path(tempfile.mkdtemp(prefix="tuiswp-init-"))
    try:
        params = {one.name: one.default for one in draft.interface.options}
        probed = probe(
            argv,
            scratch,
            cwd=cwd,
            seconds=seconds,
            params=params,
            whole=not shorter,
        )
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    for line in seen_lines(probed):
        output.say(output.prose(f"  {line}", indent="    "))
    draft = msgspec.structs.replace(draft, probed=probed)
    if not probed.metrics and probed.trouble is None:
        output.warn(
            "the probe saw no metric: report some with tuiswp.report.log, or write a file that "
            "docs/sources.md names; --seconds gives it more time"
        )
    if probed.trouble is not None:
        output.warn(f"the probe: {probed.trouble}")
        return _with_remark(draft, f"the probe: {probed.trouble}")
    return draft


# ── what is chosen ───────────────────────────────────────────────────────────────────────────────


def _chosen(draft: Draft, interface: Interface, *, asks: bool) -> Draft:
    proposed = propose(interface)
    minutes = None if draft.probed is None else draft.probed.minutes
    taken = list(range(1, at_first(proposed, minutes) + 1))
    if proposed:
        output.say("worth a sweep:")
    for at, one in enumerate(proposed, 1):
        output.say(output.prose(f"  {at} {_spoken(one)}", indent="      "))
    if asks and proposed:
        taken = questions.some_of("Which to sweep?", len(proposed), taken)
    draft = msgspec.structs.replace(
        draft,
        chosen=tuple(proposed[at - 1] for at in taken),
        unswept=tuple(one for at, one in enumerate(proposed, 1) if at not in taken),
    )
    if not asks or not draft.chosen:
        return draft
    search = search_of(draft.chosen)
    if search.trials is None or search.method == "grid":
        return draft
    trials = questions.whole_number("How many trials at most?", search.trials)
    return msgspec.structs.replace(draft, trials=trials)


def _spoken(one: Proposed) -> str:
    tunable, default = one.tunable, one.option.default
    if tunable.ends is not None:
        low, high = (spell(end, log=tunable.log) for end in tunable.ends)
        values = f"{low} to {high}{', log' if tunable.log else ''}"
    else:
        values = ", ".join(map(str, tunable.grid))
    now = "" if default is None else f" (now {visible(str(default), limit=30)})"
    return f"{visible(one.option.name, limit=60)}: {values}{now}: {one.why}"


def _judged(draft: Draft, *, asks: bool) -> Draft:
    """`draft` with the metric that decides and its goal, as far as they are known."""
    metric, goal = draft.metric, draft.goal
    seen = () if draft.probed is None else ranked(draft.probed.metrics)
    if metric is None:
        metric = seen[0] if seen else None
        if asks:
            if seen:
                output.say(f"logged: {', '.join(visible(name) for name in seen[:_SHOWN])}")
            metric = questions.ask("Which metric decides?", metric or "loss")
    if goal is None and metric is not None:
        goal = goal_of(metric)
        if goal is None and asks:
            goal = _asked_goal(metric)
    return msgspec.structs.replace(draft, metric=metric, goal=goal)


def _asked_goal(metric: str) -> Goal:
    question = f"Is {visible(metric, limit=60)} to be minimized or maximized?"
    answer = questions.one_of(question, ["minimize", "maximize"], "minimize")
    return "maximize" if answer == "maximize" else "minimize"


def _name_of(argv: Sequence[str], cwd: Path) -> str:
    script = script_of(argv, cwd)
    if script is None:
        return safe_name(Path(argv[0]).name)
    stem = script.parent.name if script.name == "__main__.py" else script.stem
    return safe_name(stem)


# ── what is written and said ─────────────────────────────────────────────────────────────────────


def _see_free(path: Path, *, force: bool, asks: bool) -> None:
    if force or not os.path.lexists(path):
        return
    name = visible(str(path))
    if asks and path.is_file() and questions.yes(f"{name} exists. Write over it?", default=False):
        return
    raise UsageError(
        "exists, and is not written over", where=name, hint="--output names another, or --force"
    )


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except (OSError, ValueError) as fault:
        reason = getattr(fault, "strerror", None) or str(fault)
        raise EnvironmentFault(f"cannot be written: {reason}", where=visible(str(path))) from None


def _unfinished(path: Path, draft: Draft) -> int:
    """A file with what is known, in which the parameters are to be filled in."""
    draft = _with_remark(draft, "no option to sweep was found")
    _write(path, sweep_text(draft))
    raise UsageError(
        "no option to sweep was found; a file with the command alone was written",
        where=visible(str(path)),
        hint="fill in `parameters:` there, then tuiswp check it",
    )


def _told(path: Path, draft: Draft) -> None:
    name = visible(str(path))
    try:
        sweep = load(path)
    except SpecError as fault:
        output.warn(f"wrote {name}, which is not a sweep file yet: {visible(str(fault))}")
        return
    trials = planned_trials(sweep)
    many = "" if trials is None else f"{several(trials, 'trial')}, "
    decides = "loss (not seen: see the file)" if draft.metric is None else visible(draft.metric)
    output.say(
        "",
        f"wrote {name}: {many}{sweep.method} over "
        f"{', '.join(visible(one.option.name, limit=60) for one in draft.chosen)}; "
        f"{draft.goal or 'minimize'} {decides}",
        f"read it, then: tuiswp check {name}, and tuiswp {name} to start it",
    )


def _with_remark(draft: Draft, remark: str) -> Draft:
    return msgspec.structs.replace(draft, remarks=(*draft.remarks, remark))

"""`tuiswp explain`: why a trial waits, why it ended, why it won; or the same of the sweep. Reads.

Everything it says comes from the journal, the attempts' own files, the leases, and NVML now.
"""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator

from tuiswp.analysis import words
from tuiswp.analysis.axes import measured
from tuiswp.analysis.early import EarlyStopping, may_be_stopped, outlook_text
from tuiswp.analysis.lines import phase_name
from tuiswp.analysis.optimum import objective_text
from tuiswp.cli import arguments as args
from tuiswp.cli import doubt, output
from tuiswp.cli.status import header, numbers, state_text
from tuiswp.cli.verdict import Verdict, metrics_path, reach
from tuiswp.cli.waiting import why_it_waits
from tuiswp.controller.client import Planned, SweepReader, SweepView
from tuiswp.controller.directory import SweepDirectory
from tuiswp.controller.gpufaults import MISPLACED
from tuiswp.controller.journal import read
from tuiswp.controller.steered import about
from tuiswp.errors import ExitCode, UsageError
from tuiswp.gpu.environment import CPU
from tuiswp.launchers.stacks import STACK, read_stack
from tuiswp.metrics.derived import GAPS, absent
from tuiswp.metrics.file import MetricFile, read_whole
from tuiswp.metrics.resource import columns
from tuiswp.model.events import RequestApplied, Warned
from tuiswp.model.ids import attempt_id
from tuiswp.model.trial import Attempt, Ended, Launching, Paused, Queued, Running, Trial
from tuiswp.search.stoppers.words import verdict_text
from tuiswp.spec.params import swept
from tuiswp.text import visible

GPU_DEADLINE_S = 1.5
REQUESTS = 8
STACK_LINES = 24


def add_arguments(parser: ArgumentParser, name: str) -> None:
    args.add_targets(parser, "[TRIAL]")


def run(arguments: Namespace) -> int:
    word, trials = args.split(arguments.targets)
    if len(trials) > 1:
        raise UsageError("explain takes one trial", hint="`tuiswp explain` alone tells of all")
    view = SweepReader(args.find_sweep(word)).refresh()
    if trials:  # without one it begins as `status` does, which says it
        doubt.tell(view)
    one = args.one_trial(view.state.trials, trials[0]) if trials else None
    output.say(*(_sweep(view) if one is None else _trial(view, one)))
    return ExitCode.OK


def _trial(view: SweepView, trial: Trial) -> list[str]:
    params = words.assignments(trial.params, swept(view.sweep))
    title = output.paint(f"{trial.id}  {state_text(trial)}", "strong")
    origin = "  the baseline" if trial.origin == "baseline" else ""
    lines = [f"{title}  {params}{origin}".rstrip(), *about(trial)]
    name = phase_name(view.sweep, trial)
    lines += [] if name is None else [f"proposed in phase {(trial.phase or 0) + 1}, {name}"]
    noted = [] if view.foreign else _warnings(view)
    for attempt in trial.attempts:
        lines += _attempt(trial, attempt)
        id = attempt_id(trial.number, attempt.number)
        lines += [
            f"  {visible(one.message)}"
            for one in noted
            if one.code.startswith(f"{MISPLACED}-{id}-")
        ]
    metric = view.sweep.objective.metric if view.sweep.objective is not None else "the metric"
    lines += [verdict_text(one, metric) for one in trial.judged]
    match trial.status:
        case Queued():
            lines += [f"waits: {why}" for why in why_it_waits(view, trial.status, trial.attempts)]
        case Paused(since=since):
            lines.append(
                f"paused {words.ago(since)}, its files and its place are kept: "
                f"`tuiswp resume {visible(args.spoken(view.directory))} {trial.id}`"
            )
        case Launching() | Running():
            lines += [_running(view, trial), *_stack(view, trial)]
            lines += _outlook(view, trial)
        case Ended(evidence=evidence) if not trial.attempts:
            lines.append(visible(evidence))
        case Ended():
            pass
    if trial.kill is not None:
        lines.append(
            f"is being ended since {words.clock(trial.kill.at)}: {visible(trial.kill.why)} "
            f"(by {visible(trial.kill.by)})"
        )
    return [*lines, *_place(reach(view), trial), *_computed(view, trial)]


def _computed(view: SweepView, trial: Trial) -> list[str]:
    """What went wrong with the metrics of the person's own."""
    if not view.sweep.derived:
        return []
    file = MetricFile(metrics_path(view, trial.number), derived=view.sweep.derived)
    while file.poll() and file.behind:
        pass
    logged = [name for name in file.metrics if name not in {d.name for d in view.sweep.derived}]
    lines = [f"{visible(str(fault))}; {GAPS}" for fault in file.derived_faults]
    if logged and file.derived_missing:
        lines.append(visible(absent(file.derived_missing, logged)))
    return lines


def _attempt(trial: Trial, attempt: Attempt) -> list[str]:
    where = words.places(attempt.leases)
    host = f" on {visible(attempt.host)}" if attempt.host else ""
    head = (
        f"{attempt_id(trial.number, attempt.number)}  launched {words.clock(attempt.launched_at)}"
        f"{host}{', ' + where if where else ''}"
    )
    uuids = [visible(lease.uuid) for lease in attempt.leases if lease.uuid != CPU]
    lines = [f"{head} ({', '.join(uuids)})" if uuids else head]
    if attempt.ended_at is None:
        return lines
    ran = attempt.ended_at - (attempt.started_at or attempt.launched_at)
    how = (
        f"exit {attempt.code}"
        if attempt.code is not None
        else f"signal {attempt.signal}"
        if attempt.signal is not None
        else "no exit record"
    )
    lines.append(f"  ended after {words.duration(ran)}: {attempt.cause} ({how})")
    if attempt.evidence and attempt.evidence != how:
        lines.append(f"  {visible(attempt.evidence)}")
    if attempt.taken_back:
        lines.append("  taken back: its GPU was quarantined for it, so it cost the trial nothing")
    return lines


def _running(view: SweepView, trial: Trial) -> str:
    value, step, progress = numbers(view, trial)
    live = view.live.get(trial.number)
    age = None if live is None else live.age_s
    said = (
        "has reported nothing yet"
        if step is None and value is None
        else (
            f"step {words.step(step)}, {words.share(progress)}"
            + ("" if value is None else f", {measured(value)}")
        )
    )
    quiet = "" if age is None or age < 30 else f"; its metrics are silent for {words.duration(age)}"
    return f"runs: {said}{quiet}"


def _stack(view: SweepView, trial: Trial) -> list[str]:
    """The stack that was kept when it was found silent."""
    kept = SweepDirectory(view.directory).attempt(trial.number, trial.attempts[-1].number)
    lines = [] if trial.silent is None else read_stack(kept)
    if not lines:
        return []
    more = [f"  and {len(lines) - STACK_LINES} lines more"] if len(lines) > STACK_LINES else []
    head = f"where it stood then, from {visible(args.spoken(kept))}/{STACK}:"
    return [head, *(f"  {line}" for line in lines[:STACK_LINES]), *more]


def _outlook(view: SweepView, trial: Trial) -> list[str]:
    """What early stopping will look at next, as it stands now."""
    rule, objective = view.sweep.stopper, view.sweep.objective
    if rule is None or objective is None:
        return []
    if not may_be_stopped(trial):
        spared = trial.origin == "baseline" or trial.pinned is not None
        return ["early stopping never ends it"] if spared else []
    place = SweepDirectory(view.directory)
    files: dict[int, MetricFile] = {}
    for number in view.state.trials:
        files[number] = MetricFile(
            place.metrics(number),
            only=columns(objective.metric, rule.resource),
            derived=view.sweep.derived,
        )
        read_whole(files[number])
    early = EarlyStopping(objective.metric, rule.resource)
    early.follow(files)
    found = early.outlook(view.sweep, view.trials, trial.number)
    return [] if found is None else [outlook_text(found, view.sweep, trial)]


def _place(verdict: Verdict, trial: Trial) -> list[str]:
    """Where it stands among the results, and why it won if it did."""
    judgement, objective = verdict.judgement, verdict.sweep.objective
    if objective is None:
        return ["is not judged: the sweep names no metric"]
    left = next((one for one in judgement.left_out if one.trial.number == trial.number), None)
    if left is not None:
        if left.code == "waiting":
            return []
        fate = "failed" if trial.state == "failed" else f"was {trial.state}"
        why = f"it {fate}" if left.code == "ended-badly" else left.reason
        return [f"cannot win: {why}"]
    best = judgement.optimum
    rank = next(n for n, one in enumerate(judgement.ranked, 1) if one.number == trial.number)
    assert trial.value is not None
    rule = f"{objective.goal} {objective_text(objective)}"
    if best is None or best.number != trial.number:
        lines = [f"rank {rank} of {len(judgement.ranked)} with {measured(trial.value)}"]
        if best is not None and best.value is not None:
            behind = measured(abs(trial.value - best.value))
            lines.append(f"  {behind} behind {best.id}, which has {measured(best.value)}")
        return lines
    lines = [f"won: {rule}; {measured(trial.value)} is the best of {len(judgement.ranked)}"]
    if judgement.ties:
        same = ", ".join(one.id for one in judgement.ties)
        lines.append(f"  {same} reached exactly the same; the lowest number wins a tie")
    if judgement.runner_up is not None and judgement.gap is not None:
        second = judgement.runner_up
        lines.append(f"  next is {second.id}, {measured(judgement.gap)} worse")
    if judgement.improvement_pct is not None and judgement.baseline is not None:
        lines.append(
            f"  {judgement.improvement_pct:.2f}% better than the baseline {judgement.baseline.id}"
        )
    return lines


def _sweep(view: SweepView) -> list[str]:
    lines = header(view, all_edits=True)
    planned = Planned().of(view)
    state = view.state
    if state.finished is not None:
        lines.append(f"finished: {visible(state.finished)}")
    elif state.stopping is not None:
        lines.append("stopping: running trials end, no new ones start")
    elif planned is not None and len(state.trials) < planned:
        lines.append(f"{len(state.trials)} of {planned} trials have been proposed so far")
    if state.stopping is not None:
        name = visible(args.spoken(view.directory))
        told = "a rule of its file stopped it" if state.reached else "it was told to stop"
        lines.append(f"{told}; `tuiswp resume {name}` takes that back")
    if not view.foreign and state.finished is None:
        lines += [f"the next trial waits: {why}" for why in _next_waits(view)]
    verdict = reach(view)
    if verdict.judgement.optimum is not None:
        best = verdict.judgement.optimum
        lines += [f"{best.id}:", *(f"  {line.strip()}" for line in _place(verdict, best))]
    elif verdict.judgement.why_none:
        lines.append(f"no optimum: {verdict.judgement.why_none}")
    for left in verdict.judgement.left_out:
        if left.code != "waiting":
            lines.append(f"{left.trial.id} cannot win: {left.reason}")
    if not view.foreign:
        lines += _requests(view)
    return lines


def _next_waits(view: SweepView) -> Iterator[str]:
    planned = Planned().of(view)
    queued = view.state.queued()
    if queued:
        status = queued[0].status
        assert isinstance(status, Queued)
        yield from why_it_waits(view, status, queued[0].attempts)
    elif planned is None or len(view.state.trials) < planned:
        yield from why_it_waits(view, Queued(since=0.0))


def _warnings(view: SweepView) -> list[Warned]:
    """All that its journal warns of, in order."""
    records = read(SweepDirectory(view.directory).journal).records
    return [record.event for record in records if isinstance(record.event, Warned)]


def _requests(view: SweepView) -> list[str]:
    records = read(SweepDirectory(view.directory).journal).records
    asked = [(r.t, r.event) for r in records if isinstance(r.event, RequestApplied)]
    if not asked:
        return []
    return [
        "asked for lately:",
        *(
            f"  {words.clock(at)}  {visible(event.verb)} by {visible(event.by)}: "
            f"{visible(event.outcome)}{'' if event.ok else ' (refused)'}"
            for at, event in asked[-REQUESTS:]
        ),
    ]

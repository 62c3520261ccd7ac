"""What a person adds to a living sweep and changes in it: points, ranges, settings, the queue.

Plans facts and says what came of them; recording them, together with the request's outcome and in
one write, is `controller.applying`'s. So a crash cannot leave half an edit, or make it twice.
"""

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from tuiswp.analysis.axes import is_seed
from tuiswp.controller.core import Core
from tuiswp.controller.requests import MOST_SEEDS, MOST_TOP, Request
from tuiswp.errors import TuiswpError, UsageError
from tuiswp.model.edits import STOP_SETTINGS, Settings
from tuiswp.model.events import (
    Edit,
    Event,
    QueueMoved,
    ReplicationStarted,
    SettingsChanged,
    SpaceEdited,
    StopperChanged,
    TrialAsked,
)
from tuiswp.model.ids import trial_id
from tuiswp.model.space import Parameter, Params, Path, Value
from tuiswp.model.sweep import Sweep
from tuiswp.model.trial import Queued, Trial
from tuiswp.search.keys import point_key
from tuiswp.search.stoppers.words import never_fires, plan_lines, rule_text
from tuiswp.search.suggest import index_after_edit, proposes
from tuiswp.spec import edits as spec_edits
from tuiswp.spec.distributions import grid_count
from tuiswp.spec.params import baseline_params, flatten, nest, only_value
from tuiswp.spec.phased import held_by_phase
from tuiswp.spec.values import allowed, check_point, differences, outside, overlaid
from tuiswp.text import visible

MOST_POINTS = 10_000


class Editor:
    """Turns a request into facts. `plan` gives them with whether all was done, and the outcome."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._by_verb: dict[str, Callable[[Request], tuple[list[Event], bool, str]]] = {
            "clone": self._clone,
            "add": self._add,
            "extend": self._change,
            "set": self._change,
            "front": self._front,
            "replicate": self._replicate,
        }

    @property
    def verbs(self) -> frozenset[str]:
        return frozenset(self._by_verb)

    def plan(self, request: Request) -> tuple[list[Event], bool, str]:
        """The facts a request makes, whether all that was asked is done, and what came of it."""
        try:
            return self._by_verb[request.verb](request)
        except TuiswpError as refusal:
            return [], False, str(refusal)

    # --- points ---

    def _clone(self, request: Request) -> tuple[list[Event], bool, str]:
        if not request.trials:
            raise UsageError("clone needs a trial")
        parameters = self._core.sweep.parameters
        asked: list[tuple[Trial | None, Params]] = []
        for number in request.trials:
            source = self._trial(number)
            for point in request.points or ({},):
                values = check_point(parameters, point)
                asked.append((source, overlaid(source.params, values)))
        return self._ask(request, asked)

    def _add(self, request: Request) -> tuple[list[Event], bool, str]:
        if not request.points:
            raise UsageError("add needs a point", hint="write name=value,name=value")
        points = (self._completed(point) for point in request.points)
        return self._ask(request, [(None, point) for point in points])

    def _completed(self, point: Params) -> Params:
        """What a point leaves out comes from the baseline, else the best; else from one value."""
        sweep, state = self._core.sweep, self._core.state
        given = check_point(sweep.parameters, point)
        filler = baseline_params(sweep)
        if filler is None and state.best is not None:
            filler = state.trials[state.best.trial].params
        known = flatten(filler or {}, sweep.parameters)
        pairs: list[tuple[Path, Value]] = []
        missing: list[str] = []
        for parameter in sweep.parameters:
            if parameter.path in given:
                pairs.append((parameter.path, given[parameter.path]))
            elif parameter.path in known:
                pairs.append((parameter.path, known[parameter.path]))
            elif (single := only_value(parameter)) is not None:
                pairs.append((parameter.path, single[0]))
            else:
                missing.append(visible(parameter.name, limit=60))
        if missing:
            raise UsageError(
                f"the point leaves out {', '.join(missing)}, and there is neither a baseline nor "
                "a best trial to take it from",
                hint=f"add {missing[0]}=VALUE",
            )
        return nest(pairs)

    def _ask(
        self, request: Request, points: Sequence[tuple[Trial | None, Params]]
    ) -> tuple[list[Event], bool, str]:
        if len(points) > MOST_POINTS:
            raise UsageError(f"{len(points)} points at once are more than {MOST_POINTS}")
        state, parameters = self._core.state, self._core.sweep.parameters
        first = max(state.trials, default=-1) + 1
        known = {trial.key: trial.id for trial in reversed(list(state.trials.values()))}
        events: list[Event] = []
        told: list[str] = []
        for number, (source, params) in enumerate(points, first):
            fact = TrialAsked(
                number,
                params,
                point_key(params),
                "point" if source is None else "clone",
                request.by,
                request.why,
                None if source is None else source.number,
                "" if source is None else differences(parameters, source.params, params),
                outside(parameters, params),
            )
            events.append(fact)
            told.append(_told(fact, parameters, known.get(fact.key)))
            known.setdefault(fact.key, trial_id(number))
        more = f"; and {len(told) - 8} more" if len(told) > 8 else ""
        wait = (
            "; the sweep is paused: `tuiswp resume` starts it" if state.paused is not None else ""
        )
        return events, True, "; ".join(told[:8]) + more + wait

    # --- ranges and settings ---

    def _change(self, request: Request) -> tuple[list[Event], bool, str]:
        sweep = self._core.whole
        new = self._edited(sweep, request)
        changes = [
            (parameter, text)
            for old, parameter in new
            if (text := spec_edits.change(old, parameter)) is not None
        ]
        settings = _checked(request.settings)
        spec_edits.check_together(sweep, settings)
        what = spec_edits.setting_changes(sweep, settings)
        rule = sweep.stopper
        if request.stopper != "as it is":
            rule = None if request.stopper == "none" else request.stopper
        if not changes and not what and rule == sweep.stopper:
            named = [visible(old.name, limit=60) for old, _ in new] + list(settings)
            named += ["early_stop"] if request.stopper != "as it is" else []
            if not named:
                raise UsageError(f"{request.verb} needs something to change")
            return [], True, f"{', '.join(named)} is so already"
        events: list[Edit] = []
        if changes:
            parameters = tuple(parameter for parameter, _ in changes)
            told = tuple(text for _, text in changes)
            index = index_after_edit(self._core.sweep)
            events.append(SpaceEdited(parameters, request.by, told, request.why, index))
        if what:
            events.append(SettingsChanged(settings, request.by, what, request.why))
        if rule != sweep.stopper:
            if sweep.objective is None:
                raise UsageError("early_stop needs a metric, and the sweep names none")
            never = never_fires(replace(sweep, stopper=rule))
            if never is not None:
                raise UsageError(never.what, hint=never.hint)
            points = [] if rule is None else [" = ".join(plan_lines(rule, sweep.length))]
            told = (
                f"early_stop: {rule_text(sweep.stopper)} → {rule_text(rule)}",
                *(f"kill points: {text}" for text in points),
            )
            events.append(StopperChanged(rule, request.by, told, request.why))
        return self._opened(events)

    def _edited(self, sweep: Sweep, request: Request) -> list[tuple[Parameter, Parameter]]:
        """Each parameter the request names, before and after."""
        now = {parameter.path: parameter for parameter in sweep.parameters}
        new: dict[Path, Parameter] = {}
        for edit in request.edits:
            if edit.path not in now:
                name = visible(".".join(edit.path), limit=60)
                raise UsageError(f"no parameter is called {name!r}")
            new[edit.path] = spec_edits.edited(new.get(edit.path, now[edit.path]), edit)
        for path, parameter in new.items():
            if sweep.method == "grid" and grid_count(parameter.distribution) is None:
                name = visible(".".join(path), limit=60)
                raise UsageError(f"{name}: a grid cannot go over {parameter.kind}")
        return [(now[path], parameter) for path, parameter in new.items()]

    def _opened(self, edits: Sequence[Edit]) -> tuple[list[Event], bool, str]:
        """The edits as facts; the last of them opens a finished sweep that has more to try now."""
        core = self._core
        state, after = core.state, spec_edits.effective(core.sweep, edits)
        start = state.next_index
        for edit in edits:
            if isinstance(edit, SpaceEdited) and edit.next_index is not None:
                start = edit.next_index
        searched = any(
            isinstance(edit, SpaceEdited)
            or (isinstance(edit, SettingsChanged) and "run_cap" in edit.settings)
            for edit in edits
        )
        reopens = (
            searched
            and state.finished is not None
            and state.stopping is None
            and proposes(after, start, state.trials.values())
        )
        facts: list[Event] = [_reopening(edit) if reopens else edit for edit in edits]
        told = [line for edit in edits for line in edit.what]
        told += self._consequences(edits, after)
        ruled = any(
            isinstance(edit, SettingsChanged) and set(edit.settings) & set(STOP_SETTINGS)
            for edit in edits
        )
        if (searched or ruled) and state.stopping is not None:
            told.append("the sweep is stopped: `tuiswp resume` goes on with it")
        elif searched and state.finished is not None:
            told.append("the sweep goes on" if reopens else "there is nothing new to try")
        return facts, True, "; ".join(told)

    def _consequences(self, edits: Sequence[Edit], after: Sweep) -> list[str]:
        """What runs now and is not touched by it."""
        state, told = self._core.state, []
        before, now = self._core.sweep.parameters, after.parameters
        beyond = [
            trial.id
            for trial in state.live()
            if set(outside(now, trial.params)) - set(outside(before, trial.params))
        ]
        if beyond:
            verb = "runs" if len(beyond) == 1 else "run"
            goes = "goes" if len(beyond) == 1 else "go"
            told.append(f"{', '.join(beyond[:8])} {verb} outside of that and {goes} on")
        live, most = len(state.live()), after.resources.max_parallel
        if most is not None and live > most:
            told.append(f"{live} trials run now and go on")
        if any(isinstance(edit, SettingsChanged) and "timeout" in edit.settings for edit in edits):
            told += ["what runs already keeps its timeout"] if live else []
        whole = spec_edits.effective(self._core.whole, edits)
        for edit in edits:
            if isinstance(edit, SpaceEdited):
                told += held_by_phase(self._core.sweep, whole, edit.parameters)
        return told

    # --- repeats ---

    def _replicate(self, request: Request) -> tuple[list[Event], bool, str]:
        sweep, state = self._core.sweep, self._core.state
        if sweep.objective is None:
            raise UsageError("replicate needs a metric, and the sweep names none")
        if not (2 <= request.top <= MOST_TOP and 2 <= request.seeds <= MOST_SEEDS):
            raise UsageError(
                f"replicate takes 2 to {MOST_TOP} settings and 2 to {MOST_SEEDS} runs of each"
            )
        told = (
            f"the best {request.top} settings are repeated, up to {request.seeds} runs each, "
            "until first and second are decided"
        )
        if state.stopping is None and state.finished is None:
            who = "the last phase" if sweep.phases else "the search"
            told += f"; they begin when {who} has no more to propose"
        if not any(is_seed(parameter) for parameter in sweep.parameters):
            told += "; no parameter is a seed, so the script has to draw its own"
        if state.paused is not None:
            told += "; the sweep is paused: `tuiswp resume` starts it"
        fact = ReplicationStarted(request.top, request.seeds, request.by, request.why)
        return [fact], True, told

    # --- the queue ---

    def _front(self, request: Request) -> tuple[list[Event], bool, str]:
        if not request.trials:
            raise UsageError("front needs a trial")
        waiting, told = [], []
        for number in dict.fromkeys(request.trials):
            trial = self._core.state.trials.get(number)
            if trial is None:
                told.append(f"{trial_id(number)} does not exist")
            elif not isinstance(trial.status, Queued):
                told.append(
                    f"{trial.id} is {trial.state}: only what waits has a place in the queue"
                )
            else:
                waiting.append(number)
        events: list[Event] = []
        if waiting:
            events.append(QueueMoved(tuple(waiting), request.by, request.why))
            names = ", ".join(map(trial_id, waiting))
            told.insert(0, f"{names} {'is' if len(waiting) == 1 else 'are'} next")
        return events, len(waiting) == len(dict.fromkeys(request.trials)), "; ".join(told)

    def _trial(self, number: int) -> Trial:
        trial = self._core.state.trials.get(number)
        if trial is None:
            raise UsageError(f"{trial_id(number)} does not exist")
        return trial


def _told(fact: TrialAsked, parameters: Sequence[Parameter], twin: str | None) -> str:
    name = trial_id(fact.trial)
    if fact.source is None:
        text = f"{name} waits in the queue"
    else:
        change = f" with {fact.changes}" if fact.changes else ", the same point again"
        text = f"{name} is cloned from {trial_id(fact.source)}{change}"
    if twin is not None and (fact.source is None or fact.changes):
        text += f" (the same point as {twin})"
    ranges = {parameter.name: allowed(parameter) for parameter in parameters}
    for beyond in fact.outside:
        text += f"; {visible(beyond, limit=60)} lies outside {ranges[beyond]}"
    return text


def _checked(settings: Settings) -> Settings:
    return {
        name: None if value is None else spec_edits.check_setting(name, value)
        for name, value in settings.items()
    }


def _reopening(edit: Edit) -> Edit:
    return replace(edit, reopens=True)

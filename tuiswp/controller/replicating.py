"""Replicate until decided: repeats of the best settings on free places, until first beats second.

Each step is a function of the state alone, so a restarted controller goes on where the last one
was. One repeat waits at a time: it takes the next free place, and what is asked next depends on
what came of the others. It begins when the search has nothing more to propose, and no repeat is
ever pruned.
"""

from collections.abc import Sequence

from tuiswp.analysis.axes import is_seed
from tuiswp.analysis.contest import SURE, Contest, contest
from tuiswp.analysis.optimum import Judgement, judge
from tuiswp.analysis.repeats import Key, Setting, setting_key, settings, tuned_of
from tuiswp.controller.core import Core
from tuiswp.controller.reducer import Replication, SweepState
from tuiswp.model.events import Event, ReplicationEnded, TrialAsked, TrialPinned
from tuiswp.model.space import Categorical, Parameter, Params, Path, Value
from tuiswp.model.sweep import Sweep
from tuiswp.model.trial import Ended, Queued, Trial
from tuiswp.model.who import US
from tuiswp.search.keys import point_key
from tuiswp.spec.distributions import bounds, distinct
from tuiswp.spec.params import flatten, nest
from tuiswp.spec.phased import whole
from tuiswp.spec.values import differences, outside

WHY = "repeat to decide first against second"


class Replicator:
    """Asks for the next repeat, or ends it, whenever something changed."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._seen = -1

    def look(self, *, searched: bool) -> None:
        """`searched`: the search has no more to propose. Raises JournalError."""
        state = self._core.state
        if state.replication is None or not (searched or state.stopping is not None):
            return
        if state.seq != self._seen:
            self._core.record(*next_move(whole(self._core.whole), state))
            self._seen = self._core.state.seq


def next_move(sweep: Sweep, state: SweepState) -> list[Event]:
    """The facts that follow from where the repeats stand; none while there is only to wait.

    First and second are compared after every run from the second of each on, so the interval is
    widened by the number of looks: 1 − 0.05/(seeds − 1).
    """
    going = state.replication
    if going is None:
        return []
    mine = _mine(state, going)
    if any(isinstance(trial.status, Queued) for trial in mine):
        return []
    judgement = judge(sweep, state.trials.values())
    every = settings(sweep, judgement.ranked)
    waits = any(not isinstance(trial.status, Ended) for trial in mine)
    if len(every) < 2:
        unsettled = any(not isinstance(t.status, Ended) for t in state.trials.values())
        return (
            [] if unsettled else [ReplicationEnded(False, "there are no two settings to compare")]
        )
    contenders = every[: going.asked.top]
    end = _ruling(sweep, judgement, contenders, going)
    if end is not None:
        return [end]
    budget = going.asked.top * (going.asked.seeds - 1)
    counts = _counts(sweep, state)
    chosen = tuned_of(sweep)
    short = [
        (counts[key], place, one)
        for place, one in enumerate(contenders)
        if counts[key := setting_key(chosen, one.trials[0])] < going.asked.seeds
    ]
    if short and len(mine) < budget:
        _, _, setting = min(short, key=lambda item: item[:2])
        return _ask(sweep, state, setting)
    if waits:
        return []
    found = contest(sweep, judgement, sure=_sure(going))
    told = "nothing was compared" if found is None else found.told
    return [ReplicationEnded(False, f"the runs asked for are spent: {told}")]


def standing(state: SweepState) -> str | None:
    """How far the repeats are, a sentence that is safe to print; None where none go on."""
    going = state.replication
    if going is None:
        return None
    top, seeds = going.asked.top, going.asked.seeds
    mine = _mine(state, going)
    done = sum(isinstance(trial.status, Ended) for trial in mine)
    waits = "" if mine else "; they begin when the search has no more to propose"
    return (
        f"The best {top} settings are being repeated, up to {seeds} runs each: {done} of at most "
        f"{top * (seeds - 1)} repeats are over{waits}."
    )


def _mine(state: SweepState, going: Replication) -> list[Trial]:
    """The repeats that were asked for since it began."""
    return [
        trial
        for trial in state.trials.values()
        if trial.number >= going.first and trial.wish is not None and trial.wish.why == WHY
    ]


def _sure(going: Replication) -> float:
    return 1 - (1 - SURE) / max(1, going.asked.seeds - 1)


def _ruling(
    sweep: Sweep, judgement: Judgement, contenders: Sequence[Setting], going: Replication
) -> ReplicationEnded | None:
    if all(one.identical for one in contenders):
        return ReplicationEnded(
            False,
            "every repeat gave the same value to the last digit: the script fixes its own seed, "
            "so there is nothing to decide by; make the seed a parameter",
        )
    found: Contest | None = contest(sweep, judgement, sure=_sure(going))
    if found is not None and found.ruling == "decided" and min(found.first.n, found.second.n) > 1:
        return ReplicationEnded(True, found.told)
    return None


def _counts(sweep: Sweep, state: SweepState) -> dict[Key, int]:
    """How many trials each setting has, whatever became of them."""
    chosen = tuned_of(sweep)
    counts: dict[Key, int] = {}
    for trial in state.trials.values():
        key = setting_key(chosen, trial)
        counts[key] = counts.get(key, 0) + 1
    return counts


def _ask(sweep: Sweep, state: SweepState, setting: Setting) -> list[Event]:
    """The next run of a setting as facts: a clone with a seed that the setting has not had."""
    number = max(state.trials) + 1
    source = setting.trials[0]
    chosen = tuned_of(sweep)
    key = setting_key(chosen, source)
    alike = [trial for trial in state.trials.values() if setting_key(chosen, trial) == key]
    params = _with_new_seeds(sweep, source, alike)
    asked = TrialAsked(
        number, params, point_key(params), "clone", US, WHY, source.number,
        differences(sweep.parameters, source.params, params), outside(sweep.parameters, params),
    )  # fmt: skip
    return [asked, TrialPinned(number, US, why=WHY)]


def _with_new_seeds(sweep: Sweep, source: Trial, alike: Sequence[Trial]) -> Params:
    """The parameters of `source` with the first seed none of `alike` has had.

    Seeds come in one order for every setting, so that settings share them and can be paired.
    """
    flat: dict[Path, Value] = dict(flatten(source.params, sweep.parameters))
    for parameter in sweep.parameters:
        if is_seed(parameter) and isinstance(flat.get(parameter.path), int):
            had = [flatten(trial.params, (parameter,)).get(parameter.path) for trial in alike]
            flat[parameter.path] = _next_seed(parameter, {x for x in had if isinstance(x, int)})
    return nest(flat.items())


def _next_seed(parameter: Parameter, had: set[int]) -> int:
    listed: list[int] = []
    if isinstance(parameter.distribution, Categorical):
        listed = [x for x in distinct(parameter.distribution) if isinstance(x, int)]
    ends = bounds(parameter.distribution)
    start = 0 if ends is None else int(ends[0])
    free = [seed for seed in listed if seed not in had]
    if free:
        return free[0]
    seed = start
    while seed in had or seed in listed:
        seed += 1
    return seed

"""Lead a sweep through its phases: when one is over, what it leaves, and where the next begins.

Every decision is a fact with its reason, recorded at once with what follows, so a controller that
comes back goes on in the phase it finds. What a phase searches is `spec.phased`.
"""

import math
from collections.abc import Sequence

from msgspec.structs import replace

from tuiswp.analysis.axes import measured
from tuiswp.analysis.enough import gpu_hours_used, hours_used, why_enough
from tuiswp.analysis.optimum import change_pct, judge
from tuiswp.analysis.repeats import settings
from tuiswp.analysis.spikes import SPIKY, spikiness
from tuiswp.controller.core import Core
from tuiswp.errors import TuiswpError
from tuiswp.expression.faults import ExpressionError
from tuiswp.expression.parser import parse
from tuiswp.expression.scalar import holds
from tuiswp.metrics.file import MetricFile, read_whole
from tuiswp.metrics.resource import curve
from tuiswp.model.events import Event, PhaseEnded, PhaseStarted
from tuiswp.model.space import Params, Value
from tuiswp.model.sweep import Phase, Sweep
from tuiswp.model.trial import Trial
from tuiswp.search.keys import point_key
from tuiswp.search.suggest import index_after_edit, room
from tuiswp.spec.params import baseline_params, flatten
from tuiswp.spec.phased import (
    begins_at_best,
    comparable,
    fixed_values,
    fresh_seeds,
    in_phase,
    parameters_in,
    transferred,
)
from tuiswp.spec.values import overlaid
from tuiswp.text import visible


class Phaser:
    """Begins and ends phases. A sweep without phases is left alone."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def begin(self) -> None:
        """The first phase, before anything is launched. Raises JournalError."""
        core = self._core
        if core.whole.phases and not core.state.phases:
            core.record(*self._next(0, None))

    def enough(self) -> str | None:
        """Why the phase brings forth nothing more, although it could; None: it goes on."""
        run, sweep = self._core.state.phase, self._core.sweep
        if run is None or sweep.phase is None:
            return None
        phase, now = sweep.phases[sweep.phase], self._core.wall()
        mine = [t for t in self._core.state.trials.values() if t.phase == sweep.phase]
        if phase.hours is not None and (used := hours_used(mine, now)) >= phase.hours:
            return f"{used:.3g} of {phase.hours:g} hours are spent"
        if phase.gpu_hours is not None and (used := gpu_hours_used(mine, now)) >= phase.gpu_hours:
            return f"{used:.3g} of {phase.gpu_hours:g} GPU-hours are spent"
        rules = replace(sweep.stop, hours=None, gpu_hours=None, failures=None)
        found = why_enough(replace(sweep, stop=rules), mine, now, {"target"})
        return None if found is None else found.why

    def move_on(self, why: str | None) -> bool:
        """End the phase, whose trials have all ended, and begin the next; False: that was the last.

        `why`: why it brought forth no more, if not for its own points.
        """
        run = self._core.state.phase
        if run is None:
            return False
        ended = self._ended(run.index, why)
        facts = [ended, *self._next(run.index + 1, ended.best)]
        self._core.record(*facts)
        return any(isinstance(fact, PhaseStarted) for fact in facts)

    def more(self) -> bool:
        """Whether a phase is on that is not the last: repeats of the best wait until it is."""
        run = self._core.state.phase
        return run is not None and run.index + 1 < len(self._core.sweep.phases)

    # ── the end of one ───────────────────────────────────────────────────────────────────────────

    def _ended(self, index: int, why: str | None) -> PhaseEnded:
        core = self._core
        sweep, trials = core.sweep, list(core.state.trials.values())
        phase = sweep.phases[index]
        run = core.state.phase
        start = None if run is None else run.start
        if why is None:
            full = room(sweep, trials) == 0
            listed = phase.validate is not None or phase.transfer is not None
            why = "its trials have ended" if full or listed else "every point was tried"
        judgement = judge(sweep, trials)
        best = judgement.optimum
        if best is None:
            return PhaseEnded(index, phase.name, f"no trial has a value; {why}", start)
        kept, not_kept, told = best.number, tuple[int, ...](), f"the best is {_named(best)}"
        incumbent = self._incumbent(start, judgement.baseline)
        if phase.keep_if is not None and incumbent is not None and best.number != incumbent.number:
            gained = _gain(sweep, best, incumbent)
            least = 100 * phase.keep_if
            told = f"{_named(best)} is {gained:.2g}% better than {_named(incumbent)}"
            if gained <= least:
                kept = incumbent.number
                not_kept = tuple(
                    trial.number
                    for trial in judgement.ranked
                    if trial.phase == index and _gain(sweep, trial, incumbent) > 0
                )
                told += f", not by more than {least:g}%: {incumbent.id} is kept"
        return PhaseEnded(index, phase.name, f"{told}; {why}", kept, not_kept=not_kept)

    def _incumbent(self, start: int | None, baseline: Trial | None) -> Trial | None:
        """What the phase has to beat, if it can be compared."""
        if start is not None:
            return self._core.state.trials.get(start)
        return baseline

    # ── the beginning of the next ────────────────────────────────────────────────────────────────

    def _next(self, index: int, best: int | None) -> list[Event]:
        """Facts up to the next phase that begins, from the one at `index` on."""
        facts: list[Event] = []
        sweep = self._core.whole
        for number in range(index, len(sweep.phases)):
            phase = sweep.phases[number]
            unless = None if phase.only_if is None else self._unless(phase.only_if, best)
            if unless is None:
                started = self._started(sweep, number, phase, best)
                if isinstance(started, PhaseStarted):
                    return [*facts, started]
                unless = started
            facts.append(PhaseEnded(number, phase.name, f"skipped: {unless}", best, skipped=True))
        return facts

    def _started(
        self, sweep: Sweep, index: int, phase: Phase, best: int | None
    ) -> PhaseStarted | str:
        """The fact that it begins, or why it cannot."""
        trials = self._core.state.trials
        chosen = None if best is None else trials[best]
        begin = baseline_params(sweep) if chosen is None else chosen.params
        if begin is None and begins_at_best(sweep, phase):
            return "no trial has a value to begin at, and there is no baseline"
        why = "from nothing" if begin is None else "from the baseline"
        if chosen is not None:
            why = f"from {_named(chosen)}"
        points = None
        if phase.validate is not None:
            points = self._repeats(sweep, phase)
            if not points:
                return "no trial has a value to be validated"
            count = len(points) // phase.validate.seeds
            why = f"the best {count} of {len(self._ranked(sweep))} settings again"
        if phase.transfer is not None:
            try:
                points = self._transferred(sweep, phase)
            except TuiswpError as error:
                return f"its settings cannot be adjusted ({error})"
            if not points:
                return "no trial has a value to be transferred"
            why = f"the best {len(points)} of {len(self._ranked(sweep))} settings, adjusted"
        started = PhaseStarted(
            index, phase.name, parameters_in(sweep, phase, begin), why, best, points
        )
        next_index = index_after_edit(in_phase(sweep, started))
        return replace(started, next_index=next_index)

    def _ranked(self, sweep: Sweep) -> Sequence[Trial]:
        """One trial for each setting, the best first."""
        judgement = judge(sweep, self._core.state.trials.values())
        return [one.trials[0] for one in settings(sweep, judgement.ranked)]

    def _repeats(self, sweep: Sweep, phase: Phase) -> tuple[Params, ...]:
        """The best settings, each with seeds it has not had; seed by seed, so that all advance."""
        validate = phase.validate
        assert validate is not None
        top = self._ranked(sweep)[: validate.top]
        fixed = fixed_values(sweep, phase)
        points: list[Params] = []
        for place in range(validate.seeds):
            for trial in top:
                used = flatten(trial.params, sweep.parameters).get(validate.seed)
                seeds = fresh_seeds(used, validate.seeds)
                points.append(overlaid(trial.params, {**fixed, validate.seed: seeds[place]}))
        return tuple(points)

    def _transferred(self, sweep: Sweep, phase: Phase) -> tuple[Params, ...]:
        """The best settings as the phase runs them, the best first; those that meet count once."""
        assert phase.transfer is not None
        found: dict[str, Params] = {}
        for trial in self._ranked(sweep):
            params = transferred(sweep, phase, trial.params)
            found.setdefault(point_key(params), params)
            if len(found) == phase.transfer.top:
                break
        return tuple(found.values())

    def _unless(self, condition: str, best: int | None) -> str | None:
        """Why a phase is not run: its condition does not hold. What cannot be told holds."""
        facts = self._facts(best)
        shown = visible(condition, limit=100)
        try:
            if holds(parse(condition), facts):
                return None
        except ExpressionError as error:
            self._core.warn(
                f"only-if: {condition}",
                f"only_if: {shown} cannot be told ({error}); the phase is run",
            )
            return None
        known = ", ".join(f"{name} {_fact(value)}" for name, value in facts.items())
        return f"{shown} does not hold ({known})"

    def _facts(self, best: int | None) -> dict[str, Value]:
        """What a condition can ask for; what is not known is left out."""
        core, facts = self._core, dict[str, Value]()
        trials, sweep = core.state.trials, core.whole
        chosen = None if best is None else trials.get(best)
        facts["trials"] = len(trials)
        if chosen is None or chosen.value is None or sweep.objective is None:
            return facts
        facts["best"] = chosen.value
        last = next((run for run in reversed(core.state.phases) if run.began is not None), None)
        before = None if last is None or last.start is None else trials.get(last.start)
        if before is not None and before.value is not None:
            facts["previous_best"] = before.value
            if comparable(sweep, chosen.params, [before]):
                facts["improvement"] = _gain(sweep, chosen, before)
        roughness = self._spikiness(chosen)
        if roughness is not None and math.isfinite(roughness):
            facts["spikiness"] = roughness
        if roughness is not None:
            facts["spiky"] = roughness > SPIKY
        return facts

    def _spikiness(self, trial: Trial) -> float | None:
        objective = self._core.sweep.objective
        assert objective is not None
        file = MetricFile(
            self._core.directory.metrics(trial.number), derived=self._core.sweep.derived
        )
        read_whole(file)
        return spikiness(*curve(file, objective.metric, "step"), objective.goal)


def _named(trial: Trial) -> str:
    return trial.id if trial.value is None else f"{trial.id} ({measured(trial.value)})"


def _gain(sweep: Sweep, trial: Trial, before: Trial) -> float:
    """By how many percent it is better; infinite where there is nothing to compare with."""
    if trial.value is None or before.value is None or sweep.objective is None:
        return math.inf
    if not comparable(sweep, trial.params, [before]):
        return math.inf
    gained = change_pct(trial.value, before.value, sweep.objective.goal)
    return math.inf if gained is None else gained


def _fact(value: Value) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value).lower()

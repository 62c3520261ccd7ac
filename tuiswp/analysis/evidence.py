"""What the results are worth: repeats, first against second, near-optimal values, hopeless trials.

One pure function of the trials and their curves, for the command line, the report and the screen.
"""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import msgspec

from tuiswp.analysis.contest import Contest, contest
from tuiswp.analysis.findings import Diagnosis
from tuiswp.analysis.near_optimal import NearOptimal, near_optimal
from tuiswp.analysis.optimum import Judgement
from tuiswp.analysis.prospects import Prospect, prospects
from tuiswp.analysis.repeats import Setting, repeated
from tuiswp.model.space import Value
from tuiswp.model.sweep import Sweep
from tuiswp.model.trial import Trial

Curve: TypeAlias = tuple[Sequence[float], Sequence[float]]


class Evidence(msgspec.Struct, frozen=True):
    """`repeats`: settings that ran more than once, best mean first; else as their modules say."""

    repeats: tuple[Setting, ...] = ()
    contest: Contest | None = None
    near_optimal: tuple[NearOptimal, ...] = ()
    prospects: tuple[Prospect, ...] = ()

    @property
    def hopeless(self) -> tuple[Prospect, ...]:
        """Running trials that cannot beat the best any more, by what their curves say."""
        return tuple(one for one in self.prospects if one.hopeless)


def weigh(
    sweep: Sweep, judgement: Judgement, trials: Sequence[Trial], curves: Mapping[int, Curve]
) -> Evidence:
    """The evidence behind `judgement`; `curves`: steps and values of the objective by trial."""
    if judgement.optimum is None:
        return Evidence()
    return Evidence(
        repeated(sweep, judgement),
        contest(sweep, judgement, curves),
        near_optimal(sweep, judgement),
        prospects(sweep, judgement, trials, curves),
    )


def sentences(evidence: Evidence, *, most: int = 8) -> list[tuple[str, str]]:
    """Each a word that says what it is about, and a sentence; safe to print."""
    said: list[tuple[str, str]] = []
    if evidence.contest is not None:
        said.append(("first-second", evidence.contest.told))
    said += [("repeats", one.told) for one in evidence.repeats[:most]]
    if len(evidence.repeats) > most:
        said.append(("repeats", f"and {len(evidence.repeats) - most} more settings"))
    told = [one for one in evidence.near_optimal if one.known != "too-few"]
    said += [("near-optimal", one.message) for one in told[:most]]
    said += [("hopeless", one.told) for one in evidence.hopeless[:most]]
    if len(evidence.hopeless) > most:
        said.append(("hopeless", f"and {len(evidence.hopeless) - most} more trials"))
    return said


def by_seeds(sweep: Sweep, judgement: Judgement) -> list[str]:
    """What seeds decide, without a look at any curve; empty where nothing was repeated."""
    repeats = repeated(sweep, judgement)
    if not repeats:
        return []
    found = contest(sweep, judgement)
    return [found.told] if found is not None else [one.told for one in repeats[:1]]


def evidence_json(evidence: Evidence, diagnoses: Sequence[Diagnosis]) -> dict[str, Value]:
    """The object under `evidence` of `results --json`; `remedies` by the code of their finding."""
    found = evidence.contest
    return {
        "repeats": [_setting(one) for one in evidence.repeats],
        "first_second": None
        if found is None
        else {
            "first": _setting(found.first),
            "second": _setting(found.second),
            "by": found.by,
            "gap": found.gap,
            "low": found.low,
            "high": found.high,
            "ruling": found.ruling,
            "more_seeds": found.more,
            "message": found.told,
        },
        "near_optimal": [
            {
                "parameter": list(one.parameter.path),
                "known": one.known,
                "low": one.low,
                "high": one.high,
                "open": [side for side, is_open in (("low", one.open_low), ("high", one.open_high))
                         if is_open],
                "floor": one.floor,
                "floor_low": one.floor_low,
                "floor_high": one.floor_high,
                "tolerance": one.tolerance,
                "message": one.message,
            }
            for one in evidence.near_optimal
        ],
        "prospects": [
            {
                "trial": f"t{one.number:04d}",
                "progress": one.progress,
                "low": one.low,
                "high": one.high,
                "hopeless": one.hopeless,
            }
            for one in evidence.prospects
        ],
        "remedies": [
            {"code": one.code, **msgspec.to_builtins(one.remedy)}
            for one in diagnoses
            if one.remedy is not None
        ],
    }  # fmt: skip


def _setting(one: Setting) -> Value:
    return {
        "trials": [trial.id for trial in one.trials],
        "mean": one.mean,
        "sd": one.sd,
        "n": one.n,
    }

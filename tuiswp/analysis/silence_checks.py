"""What silent trials say of a sweep: those that are silent now, and those that were ended as hangs.

That several stand in the same place is a finding about the script and no accident.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from tuiswp.analysis import words
from tuiswp.analysis.findings import Diagnosis
from tuiswp.analysis.silence import SHORT
from tuiswp.model.trial import Trial
from tuiswp.text import visible

_SHOWN = 4
_PLACE = re.compile(r"; in (?P<where>[^;]+?)(?: \(by |$)")


def silent_trials(trials: Iterable[Trial]) -> list[Diagnosis]:
    """`silent-trials`: who reports nothing now, or was ended for it, and where they stand."""
    trials = list(trials)
    now = [trial for trial in trials if trial.silent is not None]
    ended = [trial for trial in trials if any(one.cause == "hang" for one in trial.attempts)]
    if not now and not ended:
        return []
    told = []
    if now:
        named = ", ".join(
            f"{trial.id} ({SHORT[trial.silent.kind]})"
            for trial in now[:_SHOWN]
            if trial.silent is not None
        )
        verb = "reports" if len(now) == 1 else "report"
        told.append(
            f"{words.several(len(now), 'trial')} {verb} nothing any more: {_cut(named, now)}"
        )
    if ended:
        named = ", ".join(trial.id for trial in ended[:_SHOWN])
        told.append(f"{words.several(len(ended), 'trial')} ended as a hang: {_cut(named, ended)}")
    places = Counter(where for trial in trials for where in _places(trial))
    place, often = places.most_common(1)[0] if places else ("", 0)
    common = f" {often} of these silences are in {visible(place, limit=160)}." if often > 1 else ""
    return [
        Diagnosis(
            "silent-trials",
            "warning",
            f"{'; '.join(told)}.{common}",
            "`tuiswp explain TRIAL` shows what its processes do and its stack, `tuiswp attach "
            "TRIAL` is its terminal; `tuiswp restart TRIAL` begins again at its checkpoint.",
        )
    ]


def _cut(named: str, trials: Sequence[Trial]) -> str:
    more = len(trials) - _SHOWN
    return f"{named} and {more} more" if more > 0 else named


def _places(trial: Trial) -> Iterable[str]:
    if trial.silent is not None and trial.silent.where:
        yield trial.silent.where
    for attempt in trial.attempts:
        if attempt.cause == "hang" and (found := _PLACE.search(attempt.evidence)) is not None:
            yield found["where"].partition(" (by ")[0]

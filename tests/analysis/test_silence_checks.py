"""What the results say of trials that hang, or were ended for it."""

from msgspec.structs import replace

from tests.tui.snapshots import lr_trials
from tuiswp.analysis.silence_checks import silent_trials
from tuiswp.model.trial import Attempt, Silent, Trial

WHERE = "wait (train.py:7)"


def silent(number: int, kind: str = "hang") -> Trial:
    found = Silent(1.0, kind, 31.0, "silent for 31.0 s", WHERE)  # type: ignore[arg-type]
    return replace(lr_trials()[7], number=number, silent=found)


def hung(number: int) -> Trial:
    evidence = f"hang: silent for 40 min; in {WHERE} (by tuiswp); signal 15"
    attempt = Attempt(1, 0.0, ended_at=1.0, cause="hang", evidence=evidence)
    return replace(lr_trials()[3], number=number, attempts=(attempt,))


def test_nobody_silent_is_no_finding() -> None:
    assert silent_trials(lr_trials()) == []


def test_who_is_silent_and_who_was_ended_for_it_is_told_with_their_common_place() -> None:
    [one] = silent_trials([*lr_trials()[:3], silent(7), silent(8, "input"), hung(9)])
    assert one.code == "silent-trials"
    assert one.message == (
        "2 trials report nothing any more: t0007 (hangs), t0008 (prompt); 1 trial ended as a hang: "
        "t0009. 3 of these silences are in wait (train.py:7)."
    )
    assert "tuiswp explain TRIAL" in one.suggestion


def test_of_many_the_first_are_named() -> None:
    [one] = silent_trials([silent(number) for number in range(9)])
    assert "t0003 (hangs) and 5 more" in one.message

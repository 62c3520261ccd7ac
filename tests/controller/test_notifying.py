"""`tuiswp.notify`: what is told, once, one at a time, and that nothing of it holds the sweep up."""

import time
from pathlib import Path

import pytest

from tests.controller.bench import LONGER, Bench
from tests.end_to_end.harness import wait_for
from tuiswp.controller import notifying
from tuiswp.controller.journal import read
from tuiswp.model.events import Notified, Warned

pytestmark = pytest.mark.slow

SCRIPT = """\
#!/bin/sh
echo "$TUISWP_EVENT|$TUISWP_TRIAL|$TUISWP_VALUE|$TUISWP_COUNT|$1" >> told
"""
TELL = 'notify: ["./tell", "${{message}}"]'.format()


@pytest.fixture
def told(bench: Bench, tmp_path: Path) -> Path:
    """Where the command writes what it is told."""
    (tmp_path / "tell").write_text(SCRIPT)
    (tmp_path / "tell").chmod(0o700)
    return tmp_path / "told"


def lines(told: Path) -> list[str]:
    return told.read_text().splitlines() if told.exists() else []


def until(bench: Bench, told: Path, count: int) -> list[str]:
    """Let the controller go round until so many lines are there."""

    def there() -> bool:
        if bench.controller.left is None:
            bench.step(1)
        return len(lines(told)) >= count

    wait_for(there, what=f"{count} told")
    return lines(told)


def facts(bench: Bench, kind: type[Notified] | type[Warned]) -> list[object]:
    return [one.event for one in read(bench.place.journal).records if isinstance(one.event, kind)]


@pytest.mark.parametrize("bench", [TELL], indirect=True)
def test_a_new_best_a_failure_and_the_end_are_told_with_their_numbers(
    bench: Bench, told: Path
) -> None:
    bench.step()
    bench.finish(0, 3.0)
    assert until(bench, told, 1) == ["best|t0000|3.0|1|test: new best t0000, loss 3.0000"]
    bench.finish(1, code=1)
    assert until(bench, told, 2)[1] == "failed|t0001||1|test: t0001 failed: exit 1"
    for number in (2, 3):
        bench.finish(number, 5.0)
    assert bench.controller.left == "finished"
    bench.controller._notifier.close(tell=True)
    end = "finished|t0000|3.0|1|test: finished: every point has been tried; best t0000, loss 3.0000"
    assert lines(told)[2:] == [end]


@pytest.mark.parametrize("bench", [TELL], indirect=True)
def test_of_a_storm_of_new_bests_the_newest_is_told_with_their_number(
    bench: Bench, told: Path
) -> None:
    bench.step()
    for number, value in enumerate([4.0, 3.0, 2.0]):
        bench.finish(number, value)
    until(bench, told, 1)
    bench.controller._notifier._not_before.clear()  # a minute later
    until(bench, told, 2)
    bench.finish(3, 1.0)
    bench.controller._notifier.close(tell=True)
    assert [line.split("|")[:4] for line in lines(told)] == [
        ["best", "t0000", "4.0", "1"], ["best", "t0002", "2.0", "2"],
        ["finished", "t0003", "1.0", "1"],
    ]  # fmt: skip
    assert lines(told)[1].endswith("(2 in all since the last time)")
    bench.crash()  # the best at the end was said by the end, and is not told again
    bench.step()
    assert len(lines(told)) == 3


@pytest.mark.parametrize("bench", [TELL], indirect=True)
def test_a_restart_tells_nothing_twice_and_tells_what_was_not(bench: Bench, told: Path) -> None:
    bench.step()
    bench.finish(0, 3.0)
    until(bench, told, 1)
    bench.finish(1, code=1)  # recorded; the command may not even have begun
    bench.crash()
    bench.step(5)
    assert [line.split("|")[0] for line in until(bench, told, 2)] == ["best", "failed"]
    bench.crash()
    bench.step(5)
    assert len(facts(bench, Notified)) == 2
    assert len(lines(told)) == 2


@pytest.mark.parametrize(
    "bench", ["notify: {{command: [sleep, '600'], timeout: 0.2}}".format()], indirect=True
)
def test_a_command_that_hangs_is_ended_and_warned_of_and_the_sweep_goes_on(bench: Bench) -> None:
    began = time.monotonic()
    bench.step()
    bench.finish(0, 3.0)
    assert time.monotonic() - began < 60

    def warned() -> bool:
        bench.step(1)
        return bool(facts(bench, Warned))

    wait_for(warned)
    [warning] = facts(bench, Warned)
    assert isinstance(warning, Warned)
    assert warning.message == "the notify command sleep did not end within 0.2 s and was ended"
    bench.finish(1, 2.0)
    assert bench.states()[:2] == ["done", "done"]


@pytest.mark.parametrize(
    ("bench", "said"),
    [
        ("notify: [./no-such-program]", "./no-such-program cannot be run: No such file"),
        (
            "notify: [sh, -c, 'head -c 300000 /dev/zero >&2; echo >&2; echo no line >&2; exit 3']",
            "sh ended with 3: no line",
        ),
    ],
    indirect=["bench"],
)
def test_a_command_that_fails_is_one_warning_however_often_it_fails(
    bench: Bench, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifying, "GAP_S", 0.0)
    bench.step()
    for number, value in enumerate([4.0, 3.0, 2.0, 1.0]):
        bench.finish(number, value)
    bench.controller._notifier.close(tell=True)
    found = [one for one in facts(bench, Warned) if isinstance(one, Warned)]
    assert [one.code for one in found] == ["notify"]
    assert said in found[0].message


@pytest.mark.parametrize(
    "bench",
    [{"more": "notify: {{command: [./tell, x], events: [paused]}}".format(), "file": LONGER}],
    indirect=True,
)
def test_only_what_was_asked_for_is_told(bench: Bench, told: Path) -> None:
    bench.step()
    for number in range(3):  # alike, and at once: tuiswp pauses the sweep
        bench.finish(number, code=1)
    assert until(bench, told, 1)[0].startswith("paused|||1|x")
    assert len(facts(bench, Notified)) == 1

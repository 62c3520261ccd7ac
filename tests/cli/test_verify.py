"""`verify`: what does not agree is told, whatever it is, and nothing is changed by looking."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Tuiswp
from tests.cli.world import finished, run_folder
from tests.faults import world
from tuiswp.controller.directory import SweepDirectory
from tuiswp.controller.journal import Journal, read
from tuiswp.controller.recomputing import value_in
from tuiswp.metrics.file import MetricFile
from tuiswp.metrics.objective import reduce
from tuiswp.model.events import AttemptLaunching, BestChanged
from tuiswp.model.sweep import DerivedMetric, Objective, Reduce

pytestmark = pytest.mark.slow  # a controller of its own makes what is looked at


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep of three trials that a controller ran to its end; t0000 is the best with 1."""
    return world.ran(tmp_path_factory.mktemp("ran")).root


@pytest.fixture
def place(ran: Path, here: Path) -> SweepDirectory:
    shutil.copytree(ran, here / "sweeps" / "test")
    (here / "sweeps").chmod(0o700)
    return SweepDirectory(here / "sweeps" / "test")


def tree(root: Path) -> list[tuple[str, int, int, int]]:
    found = []
    for path in sorted([root, *root.rglob("*")]):
        seen = path.lstat()
        found.append((str(path), seen.st_mode, seen.st_mtime_ns, seen.st_size))
    return found


def test_a_sweep_as_its_controller_left_it_agrees(place: SweepDirectory, tuiswp: Tuiswp) -> None:
    said = tuiswp("verify")
    assert said.code == 0
    assert "journal and files agree" in said.out
    assert "the best is t0000 with 1: the same" in said.out
    found = tuiswp("verify", "test", "--json").json
    assert found["findings"] == []
    assert found["optimum"] == found["recorded"] == {"trial": "t0000", "value": 1.0}
    assert (found["ok"], found["compared"], found["trials"]) == (True, True, 3)


def test_what_is_not_recomputed_is_not_said_to_be(place: SweepDirectory, tuiswp: Tuiswp) -> None:
    text = place.sweep_file.read_text().replace("metric: {name: loss, goal: minimize}", "")
    place.sweep_file.write_text(text)
    found = tuiswp("verify", "test", "--json").json
    assert found["left_out"] == "nothing was recomputed: no metric decides"
    assert (found["compared"], found["optimum"]) == (False, None)


def test_an_objective_that_is_an_expression_is_recomputed(
    place: SweepDirectory, tuiswp: Tuiswp
) -> None:
    more = "tuiswp: {objective: {expr: loss * 2}}"
    text = place.sweep_file.read_text().replace("tuiswp: {max_parallel: 2}", more)
    place.sweep_file.write_text(text)
    found = tuiswp("verify", "test", "--json").json
    assert found["optimum"] == {"trial": "t0000", "value": 2.0}
    told = {
        one["where"]: one["text"] for one in found["findings"] if one["code"] == "value-differs"
    }
    assert told["t0001"] == "2.0 by the journal, 4.0 by metrics.jsonl"


def append(place: SweepDirectory, event: object) -> None:
    book = Journal(place.journal)
    book.append([event], at=1.0)  # type: ignore[list-item]
    book.close()


def flip(place: SweepDirectory) -> None:
    data = bytearray(place.journal.read_bytes())
    data[len(data) // 2] ^= 1
    place.journal.write_bytes(data)


def exit_says(place: SweepDirectory, **changes: object) -> None:
    path = place.attempt(1, 1) / "exit.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def link(place: SweepDirectory) -> None:
    path = place.attempt(1, 1) / "start.json"
    path.rename(place.root / "elsewhere")
    path.symlink_to(place.root / "elsewhere")


def launched_again(place: SweepDirectory) -> None:
    [first, *_] = [
        r.event for r in read(place.journal).records if type(r.event) is AttemptLaunching
    ]
    append(place, first)


def metrics(place: SweepDirectory, text: str) -> None:
    place.metrics(2).write_text(text)


Damage = Callable[[SweepDirectory], object]
DAMAGES: dict[str, Damage] = {
    "journal-damaged": flip,
    "journal-empty": lambda p: p.journal.write_bytes(b""),
    "launched-twice": launched_again,
    "sweep-file-changed": lambda p: p.sweep_file.write_text(p.sweep_file.read_text() + "\n"),
    "sweep-file-missing": lambda p: p.sweep_file.unlink(),
    "trial-missing": lambda p: shutil.rmtree(p.trial(1)),
    "attempt-missing": lambda p: shutil.rmtree(p.attempt(1, 1)),
    "params-missing": lambda p: (p.trial(1) / "params.json").unlink(),
    "params-differ": lambda p: (p.trial(1) / "params.json").write_text('{"x": 7}'),
    "start-missing": lambda p: (p.attempt(1, 1) / "start.json").unlink(),
    "exit-missing": lambda p: (p.attempt(1, 1) / "exit.json").unlink(),
    "exit-differs": lambda p: exit_says(p, code=1),
    "record-not-believed": lambda p: exit_says(p, token="another"),
    "metrics-missing": lambda p: p.metrics(1).unlink(),
    "value-differs": lambda p: metrics(p, '{"step": 99, "loss": 2.5}\n'),
    "optimum-differs": lambda p: metrics(p, '{"step": 99, "loss": -5}\n'),
    "best-differs": lambda p: p.best.write_text('{"x": 3}'),
    "not-a-file": link,
    "writable": lambda p: p.trials.chmod(0o777),
    "hard-link": lambda p: os.link(p.journal, p.root.parent / "copy"),
}
NOTES: dict[str, Damage] = {
    "journal-torn": lambda p: p.journal.write_bytes(p.journal.read_bytes() + b'["00'),
    "best-missing": lambda p: p.best.unlink(),
    "readable": lambda p: p.root.chmod(0o755),
    "draft": lambda p: (p.root / ".best.json.99").touch(),
    "requests": lambda p: (p.requests / "1.json").touch(),
}


@pytest.mark.parametrize("code", [*DAMAGES, *NOTES])
def test_whatever_does_not_agree_is_told_and_nothing_is_changed(
    place: SweepDirectory, tuiswp: Tuiswp, code: str
) -> None:
    (DAMAGES | NOTES)[code](place)
    before = tree(place.root)
    said = tuiswp("verify", "--json")
    assert code in {one["code"] for one in said.json["findings"]}
    assert said.code == (3 if code in DAMAGES else 0)
    assert said.json["ok"] is (code in NOTES)
    spoken = tuiswp("verify")
    assert spoken.code == said.code
    assert ("not as it should be" in spoken.out) is (code in DAMAGES)
    assert tree(place.root) == before


def test_a_best_that_the_journal_alone_claims_is_told(
    place: SweepDirectory, tuiswp: Tuiswp
) -> None:
    append(place, BestChanged(2, 3.0))
    said = tuiswp("verify")
    assert said.code == 3
    assert "t0000: is the best by the files (1); by the journal it is t0002 (3)" in said.out


def test_a_directory_that_can_only_be_read_is_verified(
    place: SweepDirectory, tuiswp: Tuiswp
) -> None:
    everything = [place.root, *place.root.rglob("*")]
    for path in everything:
        path.chmod(0o500 if path.is_dir() else 0o400)
    try:
        assert tuiswp("verify").code == 0
    finally:
        for path in everything:
            path.chmod(0o700)


def test_what_files_say_acts_on_no_terminal(place: SweepDirectory, tuiswp: Tuiswp) -> None:
    (place.root / ".\x1b]52;c;eA==\x07.1").touch()
    exit_says(place, token="\x1b[2J")
    said = tuiswp("verify")
    assert "\x1b" not in said.out + said.err


def test_only_a_sweep_can_be_verified(here: Path, tuiswp: Tuiswp) -> None:
    run_folder(here / "runs")
    said = tuiswp("verify", "runs")
    assert said.code == 2
    assert "no journal to hold them against" in said.err


def test_a_trial_without_its_files_is_told_by_each_thing_that_is_gone(
    here: Path, tuiswp: Tuiswp
) -> None:
    finished(here / "sweeps" / "lr")  # made by hand: no start.json, no exit.json
    said = tuiswp("verify")
    assert said.code == 3
    assert "t0002.1: exit 0 by the journal, and has no exit.json" in said.out


ROWS = (
    b'\xef\xbb\xbf{"loss": 9}\n{"loss": 8}\n{"step": 2, "loss": 5}\n{"loss": 4.5, "acc": 1}\n'
    b'{"step": 1, "loss": 6}\nnot json\n[1]\n{"step": 3, "loss": true}\n{"_step": 3, "loss": 4}\n'
    b'{"step": 4, "loss": NaN}\n{"step": 5, "loss": 7}\n\xff\xfe\n{"step": 2, "loss": 5.25}'
)


DERIVED = (
    DerivedMetric("smooth", "mean(loss, 2)"),
    DerivedMetric("loss", "loss + 1"),  # hides what was logged under its name
    DerivedMetric("objective", "smooth - lag(loss, 1) + where(acc > 0, step, 0)"),
)


@pytest.mark.parametrize("metric", ["loss", "smooth", "objective"])
@pytest.mark.parametrize("rule", ["last", "best", "mean", "median"])
@pytest.mark.parametrize("rows", [ROWS, ROWS + b'\n{"step": 6, "loss": 1, "acc": 2}', b'{"x": 1}'])
def test_the_second_way_to_an_expression_comes_to_the_same_as_the_first(
    here: Path, rule: Reduce, rows: bytes, metric: str
) -> None:
    path = here / "metrics.jsonl"
    path.write_bytes(rows)
    objective = Objective(metric, "maximize", rule, 3)
    file = MetricFile(path, derived=DERIVED)
    file.poll(final=True)
    first = reduce(file.metrics[metric], objective) if metric in file.metrics else None
    assert value_in(path, objective, DERIVED) == first


@pytest.mark.parametrize("rule", ["last", "best", "mean", "median"])
@pytest.mark.parametrize("rows", [ROWS, ROWS + b'\n{"step": 6, "loss": 1e999}\n', b"", b'{"x": 1}'])
def test_the_second_way_to_a_value_comes_to_the_same_as_the_first(
    here: Path, rule: Reduce, rows: bytes
) -> None:
    path = here / "metrics.jsonl"
    path.write_bytes(rows)
    objective = Objective("loss", "minimize", rule, 3)
    file = MetricFile(path)
    file.poll(final=True)
    first = reduce(file.metrics["loss"], objective) if "loss" in file.metrics else None
    assert value_in(path, objective) == first

"""What a sweep begins with: the person's points first, and what earlier sweeps tell its sampler."""

from pathlib import Path

import pytest

from tests.controller.bench import Bench
from tests.controller.test_bayes import BayesBench
from tuiswp.controller import priors
from tuiswp.controller.directory import SweepDirectory
from tuiswp.controller.frozen import frozen_sweep
from tuiswp.controller.opening import open_or_create
from tuiswp.errors import SpecError
from tuiswp.spec.load import load

pytestmark = pytest.mark.slow  # a sampler in a process of its own

POINTS = "baseline: {x: 9}, points: [{x: 7}, {x: 2}, {x: 9}]"
TWO = "points: [{x: 0.25, y: 0.01}, {x: 0.5, y: 0.1}]"


def test_points_come_first_after_the_baseline_each_once_and_use_up_no_index(tmp_path: Path) -> None:
    bench = Bench(tmp_path, POINTS)
    seen = []
    for _ in range(6):
        bench.step()
        for trial in bench.controller.core.state.live():
            bench.finish(trial.number, 1.0)
    seen = [(trial.origin, trial.params["x"]) for trial in bench.trials()]
    assert seen == [
        ("baseline", 9), ("point", 7), ("point", 2), ("grid", 1), ("grid", 3), ("grid", 4),
    ]  # fmt: skip


def test_a_controller_that_dies_between_the_points_goes_on_with_the_rest(tmp_path: Path) -> None:
    bench = Bench(tmp_path, POINTS)
    bench.step()
    assert len(bench.trials()) == 2
    bench.crash()
    bench.finish(0, 1.0)
    bench.step()
    assert [trial.params["x"] for trial in bench.trials()] == [9, 7, 2]


def test_points_count_against_run_cap(tmp_path: Path) -> None:
    file = (
        "name: test\nprogram: train.sh\nmethod: random\nrun_cap: 2\n"
        "metric: {{name: loss, goal: minimize}}\nparameters: {{x: {{min: 0.0, max: 1.0}}}}\n"
        "tuiswp: {{max_parallel: 4, points: [{{x: 0.1}}, {{x: 0.2}}, {{x: 0.3}}]}}\n"
    )
    bench = Bench(tmp_path, file=file)
    bench.step()
    assert [trial.params["x"] for trial in bench.trials()] == [0.1, 0.2]


def test_a_bayes_sweep_with_points_resumes_as_if_never_ended(tmp_path: Path) -> None:
    found = []
    for name, crashes in (("whole", ()), ("torn", (1, 3, 9))):
        (tmp_path / name).mkdir()
        bench = BayesBench(tmp_path / name, TWO)
        for number in range(11):
            bench.run(1)
            if number in crashes:
                bench.crash()
        bench.controller.close()
        found.append([(one.params, one.origin, one.index) for one in bench.suggested()[:11]])
    assert found[0] == found[1]
    assert [origin for _, origin, _ in found[0][:3]] == ["point", "point", "bayes"]
    assert found[0][2][2] == 0


def earlier(folder: Path, count: int = 12) -> Path:
    """A sweep over x and y that ran to trial `count`."""
    folder.mkdir()
    bench = BayesBench(folder)
    bench.run(count)
    bench.controller.close()
    return bench.place.root


def later(folder: Path, prior: Path, text: str = "", parameters: str = "") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "train.sh").write_text("")
    source = folder / "later.yaml"
    space = parameters or "x: {min: 0.0, max: 1.0}\n  y: {min: 1e-4, max: 1.0}"
    source.write_text(
        "name: later\nprogram: train.sh\nmethod: bayes\nrun_cap: 9\n"
        f"metric: {{name: loss, goal: minimize}}\nparameters:\n  {space}\n"
        f"tuiswp: {{prior: [{prior}], {text}}}\n"
    )
    return source


def test_what_an_earlier_sweep_found_is_kept_with_the_sweep_and_told(tmp_path: Path) -> None:
    root = earlier(tmp_path / "first")
    source = later(tmp_path / "second", root)
    place, sweep, notes = open_or_create(source, directory=tmp_path / "sweeps" / "later")
    [note] = notes  # the thirteenth may have begun
    assert note in [f"prior {root}: 12 of {count} trials told" for count in (12, 13)]
    told = priors.kept(place)
    assert [one.number for one in told] == list(range(-1, -13, -1))
    assert all(one.how == "done" for one in told)
    assert sweep.priors == (str(root),)


def test_the_sampler_begins_where_the_earlier_sweep_was_best_and_a_resume_changes_nothing(
    tmp_path: Path,
) -> None:
    root = earlier(tmp_path / "first", 14)
    found = []
    for name, crashes in (("whole", ()), ("torn", (2, 4))):
        bench = BayesBench(tmp_path / "first", f"prior: [{root}]")
        place = SweepDirectory(tmp_path / name / "sweeps" / "test")
        source = tmp_path / "first" / "sweep.yaml"
        bench.place = open_or_create(source, directory=place.root)[0]
        bench.controller.close()
        bench.controller = bench.new()
        for number in range(6):
            bench.run(1)
            if number in crashes:
                bench.crash()
        bench.controller.close()
        found.append([(one.params, one.index, one.seen) for one in bench.suggested()[:6]])
    assert found[0] == found[1]
    assert found[0][0][2] == 14


def test_what_cannot_be_carried_over_is_named(tmp_path: Path) -> None:
    root = earlier(tmp_path / "first")
    space = "x: {min: 0.4, max: 1.0}\n  z: {values: [1, 2]}"
    [note] = priors.gather(load(later(tmp_path / "b", root, parameters=space))).notes
    assert "outside the ranges here" in note
    assert note.endswith("z not recorded there; y not swept here")
    assert "12 trials told" in note


def test_another_metric_tells_nothing(tmp_path: Path) -> None:
    root = earlier(tmp_path / "first")
    source = later(tmp_path / "b", root)
    source.write_text(source.read_text().replace("goal: minimize", "goal: maximize"))
    found = priors.gather(load(source))
    assert found.told == ()
    assert found.notes == (
        f"prior {root}: it has minimize loss, so that nothing of it can be told",
    )


def test_a_directory_that_is_not_there_is_a_fault_before_anything_is_made(tmp_path: Path) -> None:
    source = later(tmp_path / "b", tmp_path / "nowhere")
    with pytest.raises(SpecError, match="nowhere holds no sweep") as caught:
        open_or_create(source, directory=tmp_path / "sweeps" / "later")
    assert "tuiswp.prior" in str(caught.value)
    assert not (tmp_path / "sweeps" / "later").exists()


def test_the_frozen_sweep_is_read_though_the_earlier_one_is_gone(tmp_path: Path) -> None:
    root = earlier(tmp_path / "first")
    source = later(tmp_path / "second", root)
    place, _, _ = open_or_create(source, directory=tmp_path / "sweeps" / "later")
    root.rename(tmp_path / "gone")
    assert frozen_sweep(place).priors == (str(root),)
    assert len(priors.kept(place)) == 12

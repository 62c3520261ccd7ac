"""Curves for the screen: each is made of what is wanted, and many of them take turns."""

from pathlib import Path

from tuiswp.metrics.file import MetricFile
from tuiswp.tui.curves import CurveMaker, same_step
from tuiswp.tui.snapshot import CurveKey, Want

METRICS = tuple(f"m{n}" for n in range(6))


class Runs:
    """Files of some trials, each with the same metrics, that grow by a row."""

    def __init__(self, place: Path, count: int) -> None:
        self.files = {number: MetricFile(place / f"{number}.jsonl") for number in range(count)}
        self._step = 0

    def grow(self) -> None:
        values = ", ".join(f'"{name}": {self._step}' for name in METRICS)
        for file in self.files.values():
            with file.path.open("a") as out:
                out.write(f'{{"step": {self._step}, {values}}}\n')
            file.poll()
        self._step += 1


def ends(maker: CurveMaker, runs: Runs, want: Want | None = None) -> dict[CurveKey, float]:
    return {
        key: one.xs[-1] for key, one in maker.curves(runs.files, METRICS, want or Want()).items()
    }


def test_few_curves_are_all_as_new_as_their_files(tmp_path: Path) -> None:
    runs, maker = Runs(tmp_path, 4), CurveMaker()
    for step in range(4):
        runs.grow()
        assert set(ends(maker, runs).values()) == {step}


def test_many_curves_take_turns_and_the_first_metric_comes_most_often(tmp_path: Path) -> None:
    for trials in (8, 12, 24, 50):
        (tmp_path / str(trials)).mkdir()
        runs, maker = Runs(tmp_path / str(trials), trials), CurveMaker()
        runs.grow()
        assert len(ends(maker, runs)) == 6 * trials  # whatever is new is there at once
        fresh = dict.fromkeys(METRICS, 0)
        for step in range(1, 21):
            runs.grow()
            found = ends(maker, runs)
            for name in METRICS:
                fresh[name] += found[0, name] == step
            assert min(found.values()) >= step - 10
        assert min(fresh.values()) >= 2
        assert fresh["m0"] == max(fresh.values()) >= 10
        assert sum(fresh.values()) * trials <= 20 * max(24, trials)


def test_what_is_wanted_otherwise_is_there_at_once(tmp_path: Path) -> None:
    runs, maker = Runs(tmp_path, 50), CurveMaker()
    for _ in range(9):
        runs.grow()
        ends(maker, runs)
    assert set(ends(maker, runs, Want(smooth=0.5)).values()) == {8.0}
    zoomed = maker.curves(runs.files, METRICS, Want(span=(2.0, 3.0)))
    assert {tuple(one.xs) for one in zoomed.values()} == {(1.0, 2.0, 3.0, 4.0)}


def test_the_same_step_is_the_last_with_a_number(tmp_path: Path) -> None:
    runs = Runs(tmp_path, 2)
    for _ in range(3):
        runs.grow()
    first, second = (file.metrics["m0"] for file in runs.files.values())
    second.append(3.0, float("nan"))
    assert same_step(first, second, "minimize") == (2.0, 2.0, 2.0, 0.0)
    second.append(9.0, 1.0)
    assert same_step(second, first, "maximize") == (9.0, 1.0, 2.0, -0.5)
    assert same_step(None, first, "minimize") is None
    assert same_step(first, None, "minimize") is None

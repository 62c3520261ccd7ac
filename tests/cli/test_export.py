"""A sweep as an Optuna study, read back by Optuna."""

import json
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from tests.cli.conftest import Tuiswp
from tests.cli.world import VALUES, World
from tuiswp.errors import ExitCode

pytestmark = pytest.mark.slow  # SQLite and Optuna


def study(file: Path) -> optuna.Study:
    [name] = optuna.get_all_study_names(f"sqlite:///{file}")
    return optuna.load_study(study_name=name, storage=f"sqlite:///{file}")


@pytest.fixture
def world(here: Path) -> World:
    made = World(here / "sweeps" / "lr")
    made.run_all()
    return made.close()


def test_what_ran_is_a_study_that_optuna_reads(tuiswp: Tuiswp, world: World, here: Path) -> None:
    said = tuiswp("export", "--optuna", "study.db")
    assert (said.code, said.err) == (ExitCode.OK, "")
    assert said.out.startswith("study.db: 4 trials\n")
    read = study(here / "study.db")
    assert read.direction == optuna.study.StudyDirection.MINIMIZE
    assert [t.state for t in read.trials] == [TrialState.COMPLETE] * 4
    assert {t.number: (t.params["lr"], t.value) for t in read.trials} == VALUES
    assert read.best_trial.user_attrs["trial"] == "t0002"
    assert all(t.intermediate_values for t in read.trials)


def test_a_file_that_is_there_is_kept_unless_forced(
    tuiswp: Tuiswp, world: World, here: Path
) -> None:
    file = here / "study.db"
    file.write_text("mine")
    said = tuiswp("export", "--optuna", "study.db")
    assert (said.code, file.read_text()) == (ExitCode.USAGE, "mine")
    assert "is there already; --force replaces it" in said.err
    assert tuiswp("export", "--optuna", "study.db", "--force").code == ExitCode.OK
    assert len(study(file).trials) == 4


def test_a_path_is_a_path_whatever_it_holds(tuiswp: Tuiswp, world: World, here: Path) -> None:
    (here / "a?b=c %20").mkdir()
    assert tuiswp("export", "--optuna", "a?b=c %20/s.db").code == ExitCode.OK
    assert [path.name for path in (here / "a?b=c %20").iterdir()] == ["s.db"]


def test_a_place_that_cannot_be_written_is_one_line(tuiswp: Tuiswp, world: World) -> None:
    said = tuiswp("export", "--optuna", "nowhere/study.db")
    assert said.code != ExitCode.OK
    assert (
        said.err
        == "tuiswp: error: nowhere/study.db: cannot be written: No such file or directory\n"
    )


def test_the_best_configuration_is_written_as_recipes_take_it(
    tuiswp: Tuiswp, world: World, here: Path
) -> None:
    said = tuiswp("export", "--best", "best.json")
    assert (said.code, said.err) == (ExitCode.OK, "")
    assert said.out == "best.json: t0002\ntrain it with `best_config=best.json`\n"
    assert json.loads((here / "best.json").read_text()) == {
        "lr": 1e-3,
        "metric_for_best_model": "loss",
        "greater_is_better": False,
        "optimization_metric": {"name": "loss", "goal": "minimize"},
    }


def test_without_a_best_there_is_nothing_to_write(tuiswp: Tuiswp, here: Path) -> None:
    world = World(here / "sweeps" / "lr")
    world.suggest(0, 3e-4)
    world.close()
    said = tuiswp("export", "--best", "best.json")
    assert said.code == ExitCode.USAGE
    assert "there is no best configuration" in said.err
    assert not (here / "best.json").exists()


def test_it_has_to_be_told_what_to_write(tuiswp: Tuiswp, world: World) -> None:
    said = tuiswp("export")
    assert (said.code, "add --best FILE or --optuna FILE" in said.err) == (ExitCode.USAGE, True)

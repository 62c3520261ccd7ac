"""Five real scripts, one of each library, asked as `tuiswp init` asks: the options are found."""

import sys
from pathlib import Path

import pytest

from tests.scripts.recorded import FAMILY, TRAINERS, recorded
from tuiswp.scripts.reading import Reading, read_script, runner

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", params=[kind for kind in FAMILY if kind != "recipe"])
def asked(request: pytest.FixtureRequest) -> tuple[str, Reading]:
    """One trainer's kind, and what is read of it; a busy machine imports transformers slowly."""
    script = TRAINERS / f"with_{request.param}.py"
    return request.param, read_script([sys.executable, str(script)], ROOT, runner(ROOT, 110))


def test_what_a_real_script_says_is_what_was_recorded(asked: tuple[str, Reading]) -> None:
    kind, reading = asked
    assert reading.trouble is None
    assert reading.interface is not None
    assert reading.interface.family == FAMILY[kind]
    found = {one.name: one for one in reading.interface.options}
    for one in recorded(kind).options:
        # A default that is not in the help is in the script's text.
        default = found[one.name].default if one.default is None else one.default
        assert found[one.name].default == default
        assert (found[one.name].flag, found[one.name].choices) == (one.flag, one.choices)


def test_every_default_of_a_real_script_is_known(asked: tuple[str, Reading]) -> None:
    _, reading = asked
    assert reading.interface is not None
    by_end = {
        one.name.rpartition(".")[2].replace("-", "_"): one for one in reading.interface.options
    }
    rate = by_end.get("lr") or by_end["learning_rate"]
    assert rate.default in (1e-3, 5e-5)
    batch = by_end.get("batch_size") or by_end["per_device_train_batch_size"]
    assert batch.default in (32, 8)

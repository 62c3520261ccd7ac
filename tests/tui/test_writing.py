"""The results as files: the form one chooses, where one stands, whole or not at all."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.controller.bench import Bench
from tests.tui.snapshots import snapshot
from tests.tui.test_screens import Stage, seen
from tuiswp.errors import EnvironmentFault
from tuiswp.tui.reading import Reading
from tuiswp.tui.screens.write import WriteScreen
from tuiswp.tui.snapshot import Want
from tuiswp.tui.writing import Form, write_results

pytestmark = pytest.mark.slow  # whole screens


@pytest.mark.parametrize(("key", "form"), [("c", "csv"), ("j", "json"), ("m", "markdown"),
                                           ("l", "latex"), ("escape", None)])  # fmt: skip
def test_a_key_chooses_the_form_and_escape_none(key: str, form: Form | None) -> None:
    async def play() -> tuple[Any, str]:
        app = Stage()
        answers: list[Form | None] = []
        async with app.run_test(size=(80, 24)) as pilot:
            await app.push_screen(WriteScreen("/where/i/stand"), answers.append)
            await pilot.pause()
            text = seen(app)
            await pilot.press(key)
        return answers, text

    answers, text = asyncio.run(play())
    assert answers == [form]
    assert "/where/i/stand" in text


def test_json_is_written_whole_and_leaves_no_draft(tmp_path: Path) -> None:
    place = write_results("json", snapshot(), tmp_path)
    assert json.loads(place.read_bytes())["optimum"]["trial"] == "t0005"
    assert list(tmp_path.iterdir()) == [place]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match=r"lr-sweep-results\.json"):
        write_results("json", snapshot(), tmp_path / "nowhere")


def test_a_table_is_what_the_command_line_prints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUISWP_GPUS", "none")
    monkeypatch.setenv("TUISWP_RUNTIME_DIR", str(tmp_path / "run"))
    bench = Bench(tmp_path)
    bench.step()
    reading = Reading(bench.place.root)
    place = write_results("csv", reading.take(Want()), tmp_path)
    reading.close()
    assert place.read_text().startswith("trial,rank,state,")

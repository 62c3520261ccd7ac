"""`tuiswp --once`: any screen without a terminal, as text, SVG or JSON; what cannot be is said."""

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.cli.conftest import Tuiswp
from tests.cli.world import World, finished, run_folder
from tests.tui.snapshots import HOSTILE
from tuiswp.tui.once import HOME, SCREENS

pytestmark = pytest.mark.slow  # each of them draws a screen in a process of its own


@pytest.fixture
def sweep(here: Path) -> Path:
    finished(here / "sweeps" / "lr")
    return here / "sweeps" / "lr"


def test_text_is_what_stands_on_the_screen(tuiswp: Tuiswp, sweep: Path) -> None:
    said = tuiswp("--once", "--size", "90x20", "lr")
    rows = said.out.splitlines()
    assert (said.code, said.err, len(rows)) == (0, "", 20)
    assert max(map(len, rows)) <= 90
    assert any("t0002" in row and "BEST" in row for row in rows)
    assert "\x1b" not in said.out


def test_colours_come_on_request_and_never_under_no_colour(
    tuiswp: Tuiswp, sweep: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "\x1b[1;38;2;" in tuiswp("--once", "--colour", "lr").out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[38" not in tuiswp("--once", "--colour", "lr").out


@pytest.mark.parametrize("screen", [screen for screen in SCREENS if screen != HOME])
def test_every_screen_is_a_picture_and_an_object(tuiswp: Tuiswp, sweep: Path, screen: str) -> None:
    svg = tuiswp("--once", "--screen", screen, "--format", "svg", "--size", "80x24")
    assert ET.fromstring(svg.out).tag == "{http://www.w3.org/2000/svg}svg"
    found = tuiswp("--once", "--screen", screen, "--format", "json")
    assert found.out.isascii()
    assert {"screen", "sweep", "dir", "state", "at"} <= set(found.json)
    assert found.json["screen"] == screen


def test_without_a_sweep_it_is_the_list_of_sweeps(tuiswp: Tuiswp, sweep: Path) -> None:
    run_folder(sweep.parent / "runs")
    said = tuiswp("--once", "--size", "100x12")
    assert (said.code, len(said.out.splitlines())) == (0, 12)
    assert "2 found here" in said.out
    [line] = [line for line in said.out.splitlines() if " lr " in line]
    assert "finished" in line
    assert "2.0000 t0002" in line
    found = tuiswp("--once", "--screen", "home", "--format", "json").json
    assert found["screen"] == "home"
    assert found["sweeps"] == tuiswp("--json").json["sweeps"]


def test_the_list_of_sweeps_is_drawn_where_there_is_none(tuiswp: Tuiswp, here: Path) -> None:
    svg = tuiswp("--once", "--format", "svg")
    assert ET.fromstring(svg.out).tag == "{http://www.w3.org/2000/svg}svg"
    assert "No sweep lies here" in tuiswp("--once").out


def test_the_map_says_what_each_trial_is_shown_as(tuiswp: Tuiswp, sweep: Path) -> None:
    found = tuiswp("--once", "--screen", "landscape", "--format", "json").json
    assert found["axes"] == ["lr"]
    assert {one["id"]: one["shown_as"] for one in found["trials"]}["t0002"] == "chosen"


def test_the_object_holds_the_curves_and_the_parameters_as_recorded(
    tuiswp: Tuiswp, sweep: Path
) -> None:
    found = tuiswp("--once", "--screen", "trial", "--trial", "3", "--format", "json").json
    assert (found["trial"]["id"], found["trial"]["params"]) == ("t0003", {"lr": 1e-2})
    [curve] = found["curves"]
    assert (curve["trial"], curve["metric"]) == ("t0003", "loss")
    assert len(curve["steps"]) == len(curve["values"]) == curve["points"] > 0


def test_marked_trials_are_compared_at_the_same_step(tuiswp: Tuiswp, sweep: Path) -> None:
    words = ("--screen", "compare", "--trial", "t0003,1", "--format", "json")
    found = tuiswp("--once", *words, "lr").json
    assert [trial["id"] for trial in found["trials"]] == ["t0003", "t0001"]
    assert found["differing"] == {"lr": {"t0003": 1e-2, "t0001": 1e-4}}
    assert found["at_step"][0]["metric"] == "loss"


def test_what_something_else_launched_has_screens_too(tuiswp: Tuiswp, here: Path) -> None:
    run_folder(here / "runs")
    said = tuiswp("--once", "runs")
    assert said.code == 0
    assert "read-only" in said.out


def test_a_file_gets_it_in_the_format_of_its_name(tuiswp: Tuiswp, sweep: Path) -> None:
    said = tuiswp("--once", "--output", "now.svg", "lr")
    assert (said.code, said.out) == (0, "")
    assert Path("now.svg").read_text().startswith("<svg ")
    assert tuiswp("--once", "--output", "now.json", "lr").code == 0
    assert json.loads(Path("now.json").read_text())["screen"] == "sweep"
    said = tuiswp("--once", "--output", "nowhere/now.svg", "lr")
    assert (said.code, said.err) == (
        1, "tuiswp: error: nowhere/now.svg: cannot be written: No such file or directory\n",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--screen", "resluts"), "no screen 'resluts'; did you mean results?"),
        (("--size", "120"), "--size 120 is no size of a screen; write COLUMNSxROWS"),
        (("--size", "9999x9999"), "--size 9999x9999 is no size of a screen"),
        (("--format", "png"), "no format 'png'"),
        (("--format", "svg", "--colour"), "--colour goes with --format text"),
        (("--trial", "9", "--screen", "trial"), "t0009 does not exist; there are t0000 to t0003"),
        (("--trial", "x", "--screen", "trial"), "'x' is not a trial"),
        (("--trial", "1"), "--trial has no meaning for the sweep screen"),
        (("--trial", "1", "--screen", "compare"), "to compare takes two trials"),
        (("--screen", "home"), "the home screen lists the sweeps of this directory"),
        (("--batch",), "--once starts nothing, so --batch has no meaning with it"),
    ],
)
def test_a_wrong_call_is_refused_with_what_was_meant(
    tuiswp: Tuiswp, sweep: Path, words: tuple[str, ...], said: str
) -> None:
    found = tuiswp("--once", *words, "lr")
    assert (found.code, found.out) == (2, "")
    assert said in found.err


def test_its_options_alone_start_nothing(tuiswp: Tuiswp, sweep: Path) -> None:
    found = tuiswp("--screen", "results", "lr")
    assert found.code == 2
    assert "--screen goes with --once" in found.err


def test_no_sweep_is_no_picture(tuiswp: Tuiswp, here: Path) -> None:
    found = tuiswp("--once", "--screen", "results")
    assert (found.code, found.out) == (2, "")


def test_a_sweep_without_a_trial_has_nothing_to_compare(tuiswp: Tuiswp, here: Path) -> None:
    World(here / "sweeps" / "lr").close()
    assert tuiswp("--once").code == 0
    found = tuiswp("--once", "--screen", "trial")
    assert found.code == 2
    assert "no trial has been started yet" in found.err


def test_what_a_trial_wrote_stays_text(tuiswp: Tuiswp, here: Path) -> None:
    world = World(here / "sweeps" / "lr")
    world.run_all()
    for number, text in enumerate(HOSTILE):
        world.metrics(number % 4, [1.0, 0.5], name=text.encode("utf-8", "replace").decode())
    log = world.directory.attempt(2, 1)
    log.mkdir(parents=True, exist_ok=True)
    (log / "output.log").write_text("\n".join(HOSTILE), "utf-8", "replace")
    world.close()
    for form in ("text", "svg", "json"):
        said = tuiswp("--once", "--screen", "trial", "--trial", "2", "--format", form)
        assert said.code == 0
        assert not {char for char in said.out if char < " " and char != "\n"}
        assert not set("\x9b\u202e\u200b\ufeff") & set(said.out)


def test_it_needs_neither_terminal_nor_language(sweep: Path) -> None:
    environ = {
        name: os.environ[name] for name in ("PATH", "HOME", "TUISWP_RUNTIME_DIR", "TUISWP_GPUS")
    }
    environ |= {"TERM": "dumb", "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        [sys.executable, "-m", "tuiswp.cli.main", "--once", "--screen", "results", str(sweep)],
        env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.isascii()
    assert "Optimal LR: 1.00e-03" in done.stdout

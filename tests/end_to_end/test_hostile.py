"""Hostile texts in every place a sweep can hold one, and every byte the real screen writes of them.

The sweep directory is real and made by hand; the program runs in a pty with an emulator behind it.
"""

import asyncio
import base64
import csv
import io
import json
import re
import shutil
import subprocess
import sys
import unicodedata
from contextlib import suppress
from pathlib import Path

import pytest

from tests.gpu.conftest import FakeNvml, nvml, nvml_library  # noqa: F401  fixtures
from tests.hostile import leaks
from tests.hostile_matrix import JSON
from tests.hostile_sweep import (
    EACH,
    ENDED,
    FOLDER,
    SPOKEN,
    TEXTS,
    Stage,
    make_stage,
    make_sweep,
    opened,
    press,
    said_on_a_terminal,
    sweep_on,
)
from tests.terminals import Terminal, app
from tests.tui.test_screens import seen

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_sweep(tmp_path_factory.mktemp("hostile"))


@pytest.fixture(scope="module")
def stage(sweep: Path, tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return make_stage(tmp_path_factory.mktemp("stage"), sweep)


@pytest.fixture
def terminal(sweep: Path) -> Terminal:
    return Terminal(app(sweep), cwd=sweep.parent, size=(160, 45))


def test_the_screen_of_each_trial_lets_no_payload_out(terminal: Terminal) -> None:
    with terminal:
        terminal.until("t0002")
        terminal.type("g")
        for _ in TEXTS:
            press(terminal, "\r")
            terminal.until("parameters")
            press(terminal, "\x1b")
            press(terminal, "j")
        assert terminal.process.poll() is None
        assert leaks(terminal.raw) == []


def test_what_is_typed_pasted_and_searched_lets_no_payload_out(terminal: Terminal) -> None:
    with terminal:
        terminal.until("t0002")
        for opened in ("/", ":", "L/", "l/"):
            press(terminal, opened)
            for text in (
                "\x9b31m[/nope]\u202e",
                "x\u200b\x07\x08[@click=app.quit]y[/]",
                "日本👍🏽",
            ):
                terminal.type(f"\x1b[200~{text}\x1b[201~")
                terminal.quiet(0.1)
            assert "日本" in terminal.text  # it arrived where it is shown
            press(terminal, "\x1b\x1b\x1b")
        assert terminal.process.poll() is None
        assert leaks(terminal.raw) == []


def test_a_copied_command_line_is_exact_quoted_and_acts_on_nothing(
    terminal: Terminal, sweep: Path
) -> None:
    with terminal:
        terminal.until("t0002")
        press(terminal, "g")
        for _ in TEXTS:
            press(terminal, "yj")
        copied = re.findall(rb"\x1b\]52;c;([A-Za-z0-9+/=]*)\x07", terminal.raw)
        assert leaks(terminal.raw) == []
    assert len(copied) == len(TEXTS)
    for text in (base64.b64decode(one).decode() for one in copied):
        assert text.isprintable()
        # A shell gets the very bytes of the parameters out of it.
        done = subprocess.run(
            ["bash", "-c", f"set -- {text}; printf '%s\\0' \"$@\""],
            capture_output=True,
            check=True,
            cwd=sweep.parent,
        )
        arguments = done.stdout.decode().split("\0")
        for n, value in enumerate(SPOKEN.values()):
            assert f"--p{n}{value}"[:402] + f"={value}" in arguments
    assert not (sweep.parent / "CANARY").exists()


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
def test_no_cell_is_shifted(sweep: Path, size: tuple[int, int]) -> None:
    """What the emulator shows is what the application drew, cell for cell."""
    from tuiswp.tui.app import SweepApp

    drawn: list[str] = []
    keys = ["", "n", "G", "\r"]
    named = {"": [], "\r": ["enter"]}

    async def play() -> None:
        ours = SweepApp(sweep, reset_view=True)
        async with ours.run_test(size=size) as pilot:
            while ours.snapshot is None:
                await pilot.pause(0.05)
            for key in keys:
                await pilot.press(*named.get(key, [key]))
                await pilot.pause(0.8)  # the next reading brings what this screen wants
                drawn.append(seen(ours))

    asyncio.run(play())
    # Neither begins where the other, or another test on this sweep, left its view.
    with Terminal(app("--reset-view", sweep), cwd=sweep.parent, size=size) as terminal:
        terminal.until("t0002")
        for key, expected in zip(keys, drawn, strict=True):
            terminal.type(key)
            terminal.quiet(0.6)
            for ours, theirs in zip(expected.split("\n"), terminal.lines, strict=True):
                assert _cells(theirs) == _cells(ours), (key, ours, theirs)


def _cells(line: str) -> str:
    """As an emulator shows it: composed, which changes no cell; scroll bars say nothing here."""
    return re.sub("[▁-█]", " ", unicodedata.normalize("NFC", line)).rstrip()


def piped(*commands: list[str], cwd: Path) -> list[bytes]:
    """What each writes where no terminal is."""
    script = [sys.executable, "-c", EACH, json.dumps(commands)]
    done = subprocess.run(script, capture_output=True, check=True, cwd=cwd)
    said = ENDED.split(done.stdout)
    assert len(said[::2]) == len(commands) + 1, done
    return said[:-1:2]


def test_no_command_lets_a_payload_out(stage: Stage) -> None:
    for words, code, text in said_on_a_terminal(stage):
        assert code in (0, 1, 2, 3, 4), (words, text)
        assert b"fault of tuiswp" not in text, (words, text)
        assert leaks(text) == [], words
    assert not list(stage.cwd.rglob("CANARY"))


def test_machine_readable_answers_keep_the_text_and_no_control(stage: Stage) -> None:
    for words, said in zip(JSON, piped(*map(stage.argv, JSON), cwd=stage.cwd), strict=True):
        assert said.isascii(), words
        assert leaks(said.replace(b"\n", b"\r\n")) == [], words
        found = json.loads(said)
        if words in (["status", "--json", "SWEEP"], ["results", "--json", "SWEEP"]):
            texts = {value for trial in found["trials"] for value in trial["params"].values()}
            assert set(SPOKEN.values()) <= texts


def test_no_screen_and_no_form_lets_a_payload_out(sweep: Path) -> None:
    looked_at = 0
    with sweep_on(sweep) as terminal:
        for name in opened(terminal):
            looked_at = all_clean(terminal, looked_at, name)
        press(terminal, "nn")  # the charts of other metrics
        press(terminal, "g" + "j" * len(TEXTS))  # the output of each
        all_clean(terminal, looked_at, "metrics and output")
        assert terminal.process.poll() is None, terminal.text


def all_clean(terminal: Terminal, start: int, what: str) -> int:
    """See that nothing leaked from `start` on; where that look ended.

    What is read now may end within a character or a sequence of ours: then more is waited for.
    """
    ends: list[int] = []

    def clean() -> bool:
        raw = terminal.raw
        ends.append(len(raw))
        return leaks(raw[start:]) == []

    with suppress(AssertionError):
        terminal.until(clean)
    assert leaks(terminal.raw[start : ends[-1]]) == [], what
    return ends[-1]


def test_a_table_in_a_file_keeps_every_value_and_in_markdown_nothing_acts(sweep: Path) -> None:
    table, markdown = piped(
        ["results", "--csv", str(sweep)], ["results", "--markdown", str(sweep)], cwd=sweep.parent
    )
    read = list(csv.DictReader(io.StringIO(table.decode(), newline="")))
    values = {value for row in read for value in row.values()}
    assert {text.replace("\x00", "") for text in TEXTS} <= values
    assert leaks(markdown.replace(b"\n", b"\r\n")) == []


def test_the_listing_of_sweeps_lets_no_name_out(sweep: Path, tmp_path: Path) -> None:
    (tmp_path / "sweeps").mkdir()
    (tmp_path / "sweeps" / FOLDER).symlink_to(sweep)
    forms = [["--lines"], ["--once"], ["--once", "--format", "svg"], ["--json"]]
    for said in piped(*forms, cwd=tmp_path):
        assert leaks(said.replace(b"\n", b"\r\n")) == [], said[:80]
    with Terminal(app(), cwd=tmp_path, size=(120, 40)) as terminal:
        terminal.until(lambda: b"owned" in terminal.raw)
        terminal.quiet(0.3)
        if terminal.process.poll() is None:
            press(terminal, "q")
        assert leaks(terminal.raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")) == []


def test_a_stranger_on_a_gpu_can_call_itself_anything(
    sweep: Path,
    nvml: FakeNvml,  # noqa: F811  the fixture
    tmp_path: Path,
) -> None:
    program = tmp_path / "\x1b]0;o\x07[x]\u202e"  # a process is known by fifteen bytes
    shutil.copy(shutil.which("sleep") or "sleep", program)
    stranger = subprocess.Popen([program, "60"], env={})
    try:
        nvml.says("gpu 0 used 5000", f"proc 0 {stranger.pid} 4096")
        forms = [["gpus"], ["gpus", "--json"], ["--once", "--size", "160x45", str(sweep)]]
        for said in piped(*forms, cwd=tmp_path):
            assert b"]0;o" in said
            assert leaks(said.replace(b"\n", b"\r\n")) == []
        with Terminal(app(sweep), cwd=tmp_path, size=(160, 45)) as terminal:
            terminal.until("]0;o")
            terminal.quiet(0.3)  # not in the middle of a sequence of ours
            assert leaks(terminal.raw) == []
    finally:
        stranger.kill()
        stranger.wait(10)


def test_the_files_that_the_screen_writes_hold_nothing_that_acts(
    sweep: Path, tmp_path: Path
) -> None:
    with Terminal(app(sweep), cwd=tmp_path, size=(160, 45)) as terminal:
        terminal.until("t0002")
        press(terminal, "P")
        terminal.until(lambda: bool(list(tmp_path.glob("*.svg"))))
        [picture] = tmp_path.glob("*.svg")
        terminal.until(picture.name[:20])
        assert leaks(terminal.raw) == []
    text = picture.read_text()
    assert not [char for char in text if char != "\n" and not char.isprintable() and char != "\xa0"]
    assert 'href="file:' not in text

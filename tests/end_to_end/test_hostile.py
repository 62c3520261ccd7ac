"""Hostile texts in every place a sweep can hold one, and every byte the real screen writes of them.

The sweep directory is real and made by hand; the program runs in a pty with an emulator behind it.
"""

import asyncio
import base64
import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
import time
import unicodedata
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.cli.world import World
from tests.gpu.conftest import FakeNvml, nvml, nvml_library  # noqa: F401  fixtures
from tests.hostile import PAYLOADS, leaks
from tests.hostile_matrix import COMMANDS, JSON, SCREENS
from tests.metrics import writers
from tests.terminals import Terminal, app
from tests.tui.test_screens import seen
from tuiswp.controller.journal import Journal
from tuiswp.model.events import (
    AttemptEnded,
    AttemptLaunching,
    AttemptStarted,
    ControllerStopped,
    KillRequested,
    RequestApplied,
    SweepFinished,
    TrialSuggested,
    Warned,
)
from tuiswp.model.space import Params
from tuiswp.model.trial import KillRequest, Lease, Process
from tuiswp.search.keys import point_key

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

# A NUL is refused in a sweep file; everywhere else all of them can be.
SPOKEN = {name: text.replace("\x00", "") for name, text in PAYLOADS.items()}
SHORT = "".join(text for text in SPOKEN.values() if len(text) < 30)
_ALL = list(PAYLOADS.values())
TEXTS = ["".join(_ALL[start : start + 5]) for start in range(0, len(_ALL), 5)]  # one a trial
NOBODY = Process("00000000-0000-0000-0000-000000000000", 999999, 1)
FOLDER = os.fsdecode(b"sw\x1b]0;owned\x07[red][bold\x9b31m\xff\xe2\x80\xaegnp")


def spec() -> str:
    """A sweep file in which every text is hostile that may be one."""
    return json.dumps(
        {
            "name": SHORT,
            "description": SHORT,
            "method": "grid",
            "metric": {"name": SPOKEN["clipboard"] + "loss", "goal": "minimize"},
            "parameters": {
                "text" + SPOKEN["colour"]: {"values": [text.replace("\x00", "") for text in TEXTS]},
                SPOKEN["markup that closes"]: {"values": [1, 2]},
                SPOKEN["wide"] + SPOKEN["bidi"]: {"values": ["日本", "한국"]},
                **{f"p{n}{text}"[:400]: {"value": text} for n, text in enumerate(SPOKEN.values())},
            },
            "command": ["sh", "-c", "true", "${args}"],
        }
    )


PASTED = "\x9b31m\u202ex\u200b\x07\x08[@click=app.quit]y[/nope]日本👍🏽"


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished sweep with payloads in values, evidence, hosts, requests, metrics and output."""
    place = tmp_path_factory.mktemp("hostile") / FOLDER
    world = World(place, spec())
    world.controller()
    for number, text in enumerate(TEXTS):
        spoken = text.replace("\x00", "")
        params: Params = {
            "text" + SPOKEN["colour"]: spoken,
            SPOKEN["markup that closes"]: 1,
            SPOKEN["wide"] + SPOKEN["bidi"]: "日本",
            **{f"p{n}{value}"[:400]: value for n, value in enumerate(SPOKEN.values())},
        }
        world.add(
            TrialSuggested(number, params, point_key(params), "grid", number),
            AttemptLaunching(
                number, 1, f"{number:032x}", (Lease("cpu", 0, f"cpu{text[:40]}"),), text
            ),
            AttemptStarted(number, 1, NOBODY, NOBODY),
            RequestApplied(f"r{number}", "kill", f"user{text}", False, f"not done: {text}"),
            Warned("disk-full", text),
        )
        if number % 3 == 1:
            world.add(KillRequested(number, 1, KillRequest(world.at, text, text, "killed")))
        folder = world.directory.attempt(number, 1)
        folder.mkdir(parents=True)
        printed = "\n".join([f"Traceback: {text}", *PAYLOADS.values()]).encode()
        (folder / "output.log").write_bytes(printed + b"\n\xff\xfe\xc3\x28 not UTF-8\n")
        names = (SPOKEN["clipboard"] + "loss", text[:900], "lone\ud800")
        rows = [{"step": step, **dict.fromkeys(names, 3.0 - step / 9)} for step in range(1, 9)]
        world.directory.metrics(number).write_text("\n".join(map(json.dumps, rows)) + "\n")
        ended = AttemptEnded(
            number, 1, "done" if number % 3 else "exit-code", f"exit 1: {text}",
            ("failed", "killed", "done")[number % 3], ended_at=world.at + 5,
            value=2.0 + number / 100, progress=1.0, step=8.0, complete=True,
        )  # fmt: skip
        world.add(ended)
    world.add(SweepFinished(SHORT))
    return world.close().directory.root


@pytest.fixture
def terminal(sweep: Path) -> Terminal:
    return Terminal(app(sweep), cwd=sweep.parent, size=(160, 45))


def press(terminal: Terminal, keys: str) -> None:
    for key in keys:
        terminal.type(key)
        time.sleep(0.15 if key == "\x1b" else 0.03)  # what follows at once belongs to an escape
    terminal.quiet(0.1)


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


# One process after another would spend its time on starting them.
EACH = """
import json, sys
from tuiswp.cli.main import main
for words in json.loads(sys.argv[1]):
    code = main(words)
    print("== ended", code, "==", flush=True)
"""
_ENDED = re.compile(rb"== ended (\d+) ==\r?\n")


def piped(*commands: list[str], cwd: Path) -> list[bytes]:
    """What each writes where no terminal is."""
    script = [sys.executable, "-c", EACH, json.dumps(commands)]
    done = subprocess.run(script, capture_output=True, check=True, cwd=cwd)
    said = _ENDED.split(done.stdout)
    assert len(said[::2]) == len(commands) + 1, done
    return said[:-1:2]


class Stage(NamedTuple):
    """Where the words of the matrix lead."""

    words: dict[str, str]
    cwd: Path

    def argv(self, words: list[str]) -> list[str]:
        return [re.sub("^TEXT", PASTED, self.words.get(word, word)) for word in words]


@pytest.fixture(scope="module")
def stage(sweep: Path, tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """A copy that may be changed, runs of other tools and a script, all with hostile names."""
    place = tmp_path_factory.mktemp("stage")
    copy = place / "copies" / FOLDER
    shutil.copytree(sweep, copy)
    journal = Journal(copy / "journal.jsonl")
    journal.append([ControllerStopped("finished")], at=time.time())
    journal.close()
    runs = place / FOLDER
    for name, text in SPOKEN.items():
        if len(text.encode()) > 200 or "/" in text:
            continue
        run = runs / f"{len(name)}{text}"
        run.mkdir(parents=True)
        (run / "config.json").write_text(json.dumps({f"lr{text}": text, "seed": 1}))
        rows = [{"step": step, f"loss{text}": 3 - step / 9} for step in range(9)]
        (run / "metrics.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")
    tensorboard = runs / f"tb{SPOKEN['bidi']}" / SPOKEN["bell"]
    tensorboard.mkdir(parents=True)
    events = [writers.event(step, SPOKEN["clipboard"], 3 - step) for step in range(3)]
    (tensorboard / f"events.out.tfevents.1.{SPOKEN['zero width']}").write_bytes(
        writers.event_file(events)
    )
    script = place / f"train{SPOKEN['colour']}.sh"
    said = "".join(
        f"  --{name}{n} {name.upper()}  {text} (default: {text[:40]})\n"
        for n, (name, text) in enumerate((re.sub("[^a-z]", "", k), v) for k, v in SPOKEN.items())
    )
    script.write_text(f"cat <<'END_OF_HELP'\nusage: train [-h]\n\noptions:\n{said}\nEND_OF_HELP\n")
    words = {
        "SWEEP": str(sweep), "COPY": str(copy), "FILE": str(sweep / "sweep.yaml"),
        "RUNS": str(runs), "SCRIPT": str(script), "OUT": str(place / f"out{SPOKEN['title']}.yaml"),
    }  # fmt: skip
    (place / "sweeps").mkdir()
    (place / "sweeps" / FOLDER).symlink_to(sweep)
    return Stage({name: word.replace("\x1b\\", "") for name, word in words.items()}, place)


# Nothing is to be started by them; and what a person has set is shown by `doctor`.
NO_TMUX = {"PATH": "/nowhere\x1b]0;owned\x07", "TERM": "xterm\x9b31m"}


def test_no_command_lets_a_payload_out(stage: Stage) -> None:
    argvs = [stage.argv(words) for words in COMMANDS]
    script = [sys.executable, "-c", EACH, json.dumps(argvs)]
    with Terminal(script, cwd=stage.cwd, size=(120, 40), env=NO_TMUX) as terminal:
        assert terminal.ended(timeout=220) == 0
        raw = terminal.raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    said = _ENDED.split(raw)
    assert len(said[::2]) == len(COMMANDS) + 1, said[-1]
    for words, text, code in zip(COMMANDS, said[::2], said[1::2], strict=False):
        assert code in (b"0", b"1", b"2", b"3", b"4"), (words, text)
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
    with Terminal(app("--reset-view", sweep), cwd=sweep.parent, size=(160, 45)) as terminal:
        terminal.until("t0002")
        for name, (keys, seen_then) in SCREENS.items():
            for key in keys:
                terminal.type(key)
                terminal.quiet(0.1)
            terminal.until(seen_then)
            whole = partial(clean, terminal)  # what is read now may end within a character
            with suppress(AssertionError):
                terminal.until(whole)
            assert leaks(terminal.raw) == [], name
            for _ in range(3):
                press(terminal, "\x1b")
            terminal.until("t0006")
        press(terminal, "nn")  # the charts of other metrics
        press(terminal, "g" + "j" * len(TEXTS))  # the output of each
        terminal.until(partial(clean, terminal))
        assert terminal.process.poll() is None, terminal.text


def clean(terminal: Terminal) -> bool:
    return leaks(terminal.raw) == []


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

"""A sweep in which every text is hostile that may be one, and what stands beside it on its stage.

Made by hand, of real files: `test_hostile` and `python -m benchmarks hostile` look at it with every
command and on every screen.
"""

import json
import os
import re
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.cli.world import World
from tests.hostile import PAYLOADS
from tests.hostile_matrix import COMMANDS, SCREENS
from tests.metrics import writers
from tests.terminals import Terminal, app
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


def make_sweep(place: Path) -> Path:
    """A finished sweep with payloads in values, evidence, hosts, requests, metrics and output."""
    world = World(place / FOLDER, spec())
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


class Stage(NamedTuple):
    """Where the words of the matrix lead."""

    words: dict[str, str]
    cwd: Path

    def argv(self, words: list[str]) -> list[str]:
        return [re.sub("^TEXT", PASTED, self.words.get(word, word)) for word in words]


def make_stage(place: Path, sweep: Path) -> Stage:
    """A copy that may be changed, runs of other tools and a script, all with hostile names."""
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

# One process after another would spend its time on starting them.
EACH = """
import json, sys
from tuiswp.cli.main import main
for words in json.loads(sys.argv[1]):
    code = main(words)
    print("== ended", code, "==", flush=True)
"""
ENDED = re.compile(rb"== ended (\d+) ==\r?\n")


def press(terminal: Terminal, keys: str) -> None:
    for key in keys:
        terminal.type(key)
        time.sleep(0.15 if key == "\x1b" else 0.03)  # what follows at once belongs to an escape
    terminal.quiet(0.1)


def said_on_a_terminal(stage: Stage) -> Iterator[tuple[list[str], int, bytes]]:
    """Each command of the matrix, how it ended, and every byte that it wrote on a terminal."""
    script = [sys.executable, "-c", EACH, json.dumps([stage.argv(words) for words in COMMANDS])]
    with Terminal(script, cwd=stage.cwd, size=(120, 40), env=NO_TMUX) as terminal:
        assert terminal.ended(timeout=220) == 0
        raw = terminal.raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    said = ENDED.split(raw)
    assert len(said[::2]) == len(COMMANDS) + 1, said[-1]
    for words, text, code in zip(COMMANDS, said[::2], said[1::2], strict=False):
        yield words, int(code), text


def opened(terminal: Terminal) -> Iterator[str]:
    """Each screen and form of the matrix while it is open, on a terminal that has the sweep."""
    terminal.until("t0002")
    for name, (keys, seen_then) in SCREENS.items():
        for key in keys:
            terminal.type(key)
            terminal.quiet(0.1)
        terminal.until(seen_then)
        yield name
        press(terminal, "\x1b\x1b\x1b")
        terminal.until("t0006")


def sweep_on(place: Path) -> Terminal:
    return Terminal(app("--reset-view", place), cwd=place.parent, size=(160, 45))

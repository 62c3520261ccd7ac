"""From a command to what its script takes: ask `--help`, find the family, look into the text."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import msgspec

from tuiswp.scripts.families.argparse_help import Argparse
from tuiswp.scripts.families.base import Family
from tuiswp.scripts.families.click_help import Click
from tuiswp.scripts.families.huggingface_help import HuggingFace
from tuiswp.scripts.families.hydra_config import Hydra
from tuiswp.scripts.families.key_values import KeyValues
from tuiswp.scripts.families.typer_help import Typer
from tuiswp.scripts.options import Interface
from tuiswp.scripts.running import Ran, run_bounded
from tuiswp.scripts.source import completed, options_in, script_of, wandb_config_in
from tuiswp.text import visible

# The first that recognises a help reads it: the particular before the general.
FAMILIES: tuple[Family, ...] = (
    Hydra(), HuggingFace(), Typer(), Click(), Argparse(), KeyValues(),
)  # fmt: skip

Runner: TypeAlias = Callable[[Sequence[str]], Ran]


class Reading(msgspec.Struct, frozen=True):
    """What is known of a script. `interface`: None if nothing is.

    `trouble`: why its help was of no use, in one line; `from_source`: defaults come from its text.
    """

    interface: Interface | None
    trouble: str | None = None
    from_source: Path | None = None


def family_of(help_text: str) -> Family | None:
    """The library this help is of; None if none of `FAMILIES` knows it."""
    return next((family for family in FAMILIES if family.recognises(help_text)), None)


def read_script(argv: Sequence[str], cwd: Path, run: Runner) -> Reading:
    """Ask the script. `run` runs a command line for a bounded time."""
    path = script_of(argv, cwd)
    declared = options_in(path) if path is not None else ()
    config = wandb_config_in(path) if path is not None and not declared else ()
    if config:  # it takes no options, and would begin to train when it is asked for them
        return Reading(Interface("wandb.config", config, macro=""), None, path)
    asked = run([*argv, "--help"])
    interface, trouble = _of_help(argv, asked, run)
    if interface is None or not interface.options:
        if not declared:
            return Reading(None, trouble or "its --help lists no options")
        return Reading(Interface("argparse", declared), trouble, path)
    interface, added = completed(interface, declared)
    return Reading(interface, trouble, path if added else None)


def help_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """An environment in which help is plain text and is not wrapped."""
    return {
        **environ,
        "COLUMNS": "400", "TERMINAL_WIDTH": "400", "LINES": "1000",
        "NO_COLOR": "1", "TERM": "dumb", "PYTHONIOENCODING": "utf-8", "PYTHONUTF8": "1",
        "LC_ALL": "C.UTF-8", "PYTHONWARNINGS": "ignore", "CUDA_VISIBLE_DEVICES": "",
        "WANDB_MODE": "disabled",
    }  # fmt: skip


def runner(cwd: Path, seconds: float) -> Runner:
    """Runs command lines in `cwd`, each at most so long."""
    environment = help_environment(os.environ)
    return lambda argv: run_bounded(argv, seconds=seconds, cwd=cwd, env=environment)


def _of_help(argv: Sequence[str], asked: Ran, run: Runner) -> tuple[Interface | None, str | None]:
    # Some print their help where errors go.
    family = next((one for text in (asked.out, asked.err) if (one := family_of(text))), None)
    if asked.overran:
        return None, f"its --help did not end within {asked.seconds:.0f} s and was ended"
    if asked.code != 0:
        return None, f"its --help ended with exit code {asked.code}{last_line(asked)}"
    if family is None:
        said = "prints nothing" if not (asked.out + asked.err).strip() else "lists no options"
        return None, f"its --help {said} that can be read"
    text = asked.out if family.recognises(asked.out) else asked.err
    if family.asks:
        more = run([*argv, *family.asks])
        if more.code == 0:
            text = more.out
        elif family.recognises(text):
            words = " ".join(family.asks)
            return family.read(text), f"`{words}` ended with exit code {more.code}: help was read"
    return family.read(text), None


def last_line(ran: Ran) -> str:
    """The last line a failed command said, after a colon; empty if it said nothing."""
    lines = [line.strip() for line in (ran.err or ran.out).splitlines() if line.strip()]
    return f": {visible(lines[-1], limit=200)}" if lines else ""

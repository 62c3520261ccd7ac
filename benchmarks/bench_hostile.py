"""Trust: every hostile string through every command and every screen, and the bytes that came out.

A byte leaks that a terminal would act on and that the interface itself does not write.
"""

import re
from collections.abc import Iterator
from contextlib import suppress

from benchmarks.rows import Row, exactly, noted
from benchmarks.world import private_world
from tests.hostile import PAYLOADS, leaked
from tests.hostile_matrix import COMMANDS, JSON, SCREENS
from tests.hostile_sweep import make_stage, make_sweep, opened, said_on_a_terminal, sweep_on

_CRASH = re.compile(rb"fault of tuiswp|Traceback \(most recent call last\)")


def main() -> list[Row]:
    with private_world() as place:
        (place / "one").mkdir()
        (place / "two").mkdir()
        sweep = make_sweep(place / "one")
        stage = make_stage(place / "two", sweep)
        said = list(said_on_a_terminal(stage))
        ended = [code for _, code, _ in said if code > 4]
        with sweep_on(sweep) as terminal:
            for _ in opened(terminal):
                with suppress(AssertionError):  # what is read now may end within a character
                    terminal.until(lambda: leaked(terminal.raw) == 0, timeout=2)
            crashed = terminal.process.poll() is not None
            shown = terminal.raw
    return list(rows([text for _, _, text in said], shown, len(ended) + crashed))


def rows(said: list[bytes], shown: bytes, crashes: int) -> Iterator[Row]:
    sinks = len(COMMANDS) + len(SCREENS)
    yield noted("hostile strings x sinks", f"{len(PAYLOADS)} x {sinks} = {len(PAYLOADS) * sinks}")
    yield noted("  sinks", f"{len(COMMANDS)} commands, {len(SCREENS)} screens and forms")
    yield noted("  answers for programs, in the tests", str(len(JSON)))
    size = sum(map(len, said)) + len(shown)
    yield noted("  bytes that came out", f"{size:,}")
    yield exactly("  bytes leaked", sum(map(leaked, said)) + leaked(shown), 0)
    yield exactly("  crashes", crashes + sum(bool(_CRASH.search(text)) for text in said), 0)

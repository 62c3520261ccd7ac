"""The process that computes proposals: `python -m tuiswp.search.worker [FIFO]`, JSON lines.

It loads what the controller must not (Optuna, scipy, torch) and takes the time it takes. The first
line is the sweep, each further one an `Ask`; each is answered by one `Answer`. What it was told it
keeps; the parent says from where its news begin, and 0 begins anew. It ends with its input.
"""

import os
import sys
import time
import traceback
from contextlib import suppress

import msgspec

from tuiswp.errors import TuiswpError
from tuiswp.model.space import Params
from tuiswp.model.sweep import Sweep
from tuiswp.search.asking import Answer, Ask
from tuiswp.search.cube import Cube
from tuiswp.search.history import History, Told
from tuiswp.search.keys import point_key
from tuiswp.search.random import RandomProposer
from tuiswp.search.samplers.base import Sampler
from tuiswp.search.samplers.choose import sampler_of
from tuiswp.search.suggest import next_point
from tuiswp.spec.constraints import Rules

TRIES = 16  # proposals that may repeat a tried point or be forbidden, before one is drawn at random
_STRIDE = 1 << 20  # indices apart, so that a further try is nobody else's first


class Proposing:
    """One sweep's sampler and what it was told."""

    def __init__(self, sweep: Sweep) -> None:
        self._sampler: Sampler = sampler_of(sweep)
        self._cube = Cube(sweep.parameters)
        self._rules = Rules(sweep.parameters, sweep.constraints)
        self._random = RandomProposer(sweep)
        self._told: list[Told] = []
        self._keys: list[str] = []  # of the points told

    def answer(self, ask: Ask) -> Answer:
        began = time.perf_counter()
        del self._told[ask.since :], self._keys[ask.since :]
        self._told.extend(ask.told)
        # What an earlier sweep tried may be tried here.
        self._keys.extend(point_key(one.params) if one.number >= 0 else "" for one in ask.told)
        history = History(tuple(self._told), ask.flying)
        tried = set(self._keys)
        tried |= {point_key(one.params) for one in history.flying}
        params, key = self._propose(history, ask.index, tried)
        return Answer(ask.index, len(self._told), time.perf_counter() - began, params, key or "")

    def _propose(
        self, history: History, index: int, tried: set[str]
    ) -> tuple[Params, str] | tuple[None, None]:
        for attempt in range(TRIES):
            point = self._sampler.ask(history, index + attempt * _STRIDE)
            params = self._rules.resolve(self._cube.params(point))
            if params is not None and (key := point_key(params)) not in tried:
                return params, key
        found = next_point(self._random, index, tried)
        return (None, None) if found is None else (found.params, found.key)


def main() -> None:
    lines = sys.stdin.buffer
    out = os.dup(1)
    os.dup2(2, 1)  # what a library prints is no answer
    decode = msgspec.json.Decoder(Ask).decode
    proposing: Proposing | None = None
    first = lines.readline()
    fault: str | None = None
    try:
        proposing = Proposing(msgspec.json.decode(first, type=Sweep))
    except TuiswpError as error:
        fault = str(error)
    for line in lines:
        ask = decode(line)
        answer = Answer(ask.index, 0, 0.0, error=fault)
        if proposing is not None:
            try:
                answer = proposing.answer(ask)
            except Exception as error:
                traceback.print_exc()
                answer = Answer(ask.index, 0, 0.0, error=f"{type(error).__name__}: {error}")
        _write(out, msgspec.json.encode(answer) + b"\n")
        if len(sys.argv) > 1:
            _poke(sys.argv[1])


def _poke(fifo: str) -> None:
    """Wake whoever sleeps at the FIFO; harmless if nobody does."""
    with suppress(OSError):
        fd = os.open(fifo, os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            os.write(fd, b"p")
        finally:
            os.close(fd)


def _write(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]


if __name__ == "__main__":
    main()

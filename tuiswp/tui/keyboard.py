"""What is typed, from the bytes of a terminal to Textual's messages. It acts on none of them.

A bare escape is known to be one only when nothing follows. Textual looks for that ten times a
second, so that a person waits for up to two tenths; here it is `ESCAPE_S`. Not less: where a slow
link delivers an arrow key in two parts, its end would be read as a key of its own, and upper case
touches processes. ESCDELAY in the environment, in milliseconds, says another time, as for ncurses.
Reaches into `textual._parser`, as of Textual 8.2.
"""

import os
import select
import threading
from codecs import getincrementaldecoder
from collections.abc import Callable
from contextlib import suppress

from textual import constants
from textual._parser import ParseError
from textual._xterm_parser import XTermParser
from textual.message import Message

ESCAPE_S = 0.025
_LOOK_S = 0.1  # how often it is asked whether to leave


def read_keys(fd: int, over: threading.Event, take: Callable[[Message], None]) -> None:
    """Hand every message that comes in at `fd` to `take`, until it is `over`."""
    patience_s = constants.ESCAPE_DELAY if "ESCDELAY" in os.environ else ESCAPE_S
    parser = XTermParser()
    decode = getincrementaldecoder("utf-8")("replace").decode
    pending = False  # the beginning of what may be a sequence was read
    while not over.is_set():
        ready, _, _ = select.select((fd,), (), (), min(patience_s, _LOOK_S) if pending else _LOOK_S)
        if ready:
            text = decode(os.read(fd, 4096))
            for message in parser.feed(text) if text else ():
                take(message)
            pending = parser._timeout_time is not None
        elif pending:
            pending = False
            parser._timeout_time = 0.0  # it is over now, whatever Textual's own patience
            for message in parser.tick():
                take(message)
    with suppress(EOFError, ParseError):
        for _ in parser.feed(""):
            pass

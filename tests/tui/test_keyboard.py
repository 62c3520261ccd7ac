"""What is typed becomes keys: a bare escape soon, a sequence in parts still as one key."""

import os
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from textual import constants, events
from textual.message import Message

from tuiswp.tui.keyboard import read_keys


@contextmanager
def typing() -> Iterator[tuple[int, "queue.Queue[Message]"]]:
    """A descriptor to write into, and the messages that come of it."""
    ear, mouth = os.pipe()
    over, heard = threading.Event(), queue.Queue[Message]()
    reader = threading.Thread(target=read_keys, args=(ear, over, heard.put))
    reader.start()
    try:
        yield mouth, heard
    finally:
        over.set()
        reader.join()
        os.close(ear)
        os.close(mouth)


def key(heard: "queue.Queue[Message]") -> str:
    message = heard.get(timeout=20)
    assert isinstance(message, events.Key)
    return message.key


def test_a_bare_escape_is_a_key_and_what_is_typed_after_it_another() -> None:
    with typing() as (mouth, heard):
        os.write(mouth, b"\x1b")
        assert key(heard) == "escape"
        os.write(mouth, b"A")
        assert key(heard) == "A"


def test_a_sequence_that_comes_in_parts_is_one_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ESCDELAY", "20000")
    monkeypatch.setattr(constants, "ESCAPE_DELAY", 20.0)
    with typing() as (mouth, heard):
        for part in (b"x\x1b", b"[", b"A"):
            os.write(mouth, part)
        assert [key(heard), key(heard)] == ["x", "up"]
        assert heard.empty()


def test_a_character_that_comes_in_parts_is_one_and_a_broken_one_harms_nobody() -> None:
    with typing() as (mouth, heard):
        for byte in "é".encode():
            os.write(mouth, bytes([byte]))
        os.write(mouth, b"\xffq")
        found = [heard.get(timeout=20) for _ in range(3)]
        assert [message.character for message in found if isinstance(message, events.Key)] == [
            "é", "\N{REPLACEMENT CHARACTER}", "q",
        ]  # fmt: skip

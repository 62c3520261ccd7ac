"""`metrics_from.json` in a trial's directory: where its metrics lie, if not in `metrics.jsonl`.

The controller writes it at each launch; who reads metrics needs no sweep file then.
"""

import os

import msgspec

FILE = "metrics_from.json"
_MAX = 64 << 10


class Note(msgspec.Struct, frozen=True, omit_defaults=True):
    """`kind`: the only one to read (None: whichever is there). `wandb`: (directory, run id) where a
    W&B run of this trial may lie besides.
    """

    kind: str | None = None
    wandb: tuple[tuple[str, str], ...] = ()


def read_note(folder: str) -> Note | None:
    """What the note in this directory says; None if there is none that can be read."""
    try:
        fd = os.open(f"{folder}/{FILE}", os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            return msgspec.json.decode(os.read(fd, _MAX), type=Note)
        finally:
            os.close(fd)
    except (OSError, ValueError, msgspec.MsgspecError):
        return None

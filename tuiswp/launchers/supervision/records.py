"""Write the records of an attempt: written means on disk, half-written means never written."""

# contextlib would cost time at every start.

from __future__ import annotations

import json
import os
import stat

TYPE_CHECKING = False  # typing costs as much time as all of this
if TYPE_CHECKING:
    from typing import Any


KEPT_VARIABLES = ("TUISWP_", "CUDA_")


def forget_environment(folder: int, spec: dict[str, Any]) -> None:
    """Take the environment out of spec.json: keys and passwords in it are not for keeping.

    Call it once the training has what it needs. Without room for a new file the old one is emptied;
    its name stays, and with it the proof that this attempt was started.
    """
    env = {name: value for name, value in spec["env"].items() if name.startswith(KEPT_VARIABLES)}
    try:
        write_record(folder, "spec.json", {**spec, "env": env}, durable=False)
    except OSError:
        try:
            os.close(os.open("spec.json", os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW, dir_fd=folder))
        except OSError:
            pass


def write_record(folder: int, name: str, record: dict[str, Any], *, durable: bool = True) -> None:
    """Put `record` under `name` in the open directory, durable and whole, or raise OSError."""
    data = json.dumps(record, allow_nan=False).encode() + b"\n"
    draft = f".{name}.{os.getpid()}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    fd = os.open(draft, flags, 0o600, dir_fd=folder)
    try:
        try:
            while data:  # a full disk may take a part without an error
                data = data[os.write(fd, data) :]
            if durable:
                os.fsync(fd)
        finally:
            os.close(fd)
        try:
            os.rename(draft, name, src_dir_fd=folder, dst_dir_fd=folder)
        except IsADirectoryError:  # the training has made one, which would be in the way for ever
            os.rename(name, f"{draft}.aside", src_dir_fd=folder, dst_dir_fd=folder)
            os.rename(draft, name, src_dir_fd=folder, dst_dir_fd=folder)
    except OSError:
        try:
            os.unlink(draft, dir_fd=folder)
        except OSError:
            pass
        raise
    if durable:
        os.fsync(folder)


def exists(folder: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def poke(fifo: str | None) -> None:
    """Wake whoever waits on the FIFO; nobody waiting is fine."""
    if fifo is None:
        return
    try:
        fd = os.open(fifo, os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError:
        return
    try:
        if stat.S_ISFIFO(os.fstat(fd).st_mode):
            os.write(fd, b"\1")
    except OSError:
        pass
    finally:
        os.close(fd)

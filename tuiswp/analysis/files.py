"""Put a finished file in place in one step; nothing here reads, and nothing is half-written."""

import os
from pathlib import Path

from tuiswp.errors import EnvironmentFault


def write_atomically(path: Path, data: bytes) -> None:
    """Replace `path`: a reader sees the old bytes or the new ones.

    Raises EnvironmentFault when the disk or the directory refuses.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            file.write(data)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise EnvironmentFault(
            f"cannot write the file ({error.strerror or error})",
            where=str(path),
            hint="check the directory's permissions and the free space",
        ) from error

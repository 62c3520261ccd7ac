"""Write files: results as JSON, tables by `tuiswp results`, a picture drawn already. Draws nothing.

Tables are made by a process of its own: pandas would stay in the interface's memory for good.
"""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

from tuiswp.analysis.summary import results_json
from tuiswp.errors import EnvironmentFault
from tuiswp.spec.names import safe_name
from tuiswp.text import visible
from tuiswp.tui.snapshot import Snapshot

Form: TypeAlias = Literal["csv", "json", "markdown", "latex"]
_SUFFIX: dict[Form, str] = {"csv": "csv", "json": "json", "markdown": "md", "latex": "tex"}
_LIMIT_S = 120.0


def write_results(form: Form, snapshot: Snapshot, folder: Path) -> Path:
    """The verdict as `form`, in `folder`; the file's path. Raises EnvironmentFault.

    Always the sweep file's own rule: what was only looked at is not written.
    """
    view = snapshot.view
    place = folder / f"{safe_name(view.sweep.name)}-results.{_SUFFIX[form]}"
    return write_whole(place, _json(snapshot) if form == "json" else _table(form, view.directory))


def write_picture(svg: str, snapshot: Snapshot | None, folder: Path) -> Path:
    """A picture of the screen, in `folder`, named by the moment. Raises EnvironmentFault."""
    name = safe_name(snapshot.view.sweep.name) if snapshot is not None else "tuiswp"
    moment = time.strftime("%Y%m%d-%H%M%S")
    return write_whole(folder / f"{name}-{moment}.svg", svg.encode("utf-8", "replace"))


def write_whole(place: Path, data: bytes) -> Path:
    """All of it or nothing: a full disk leaves no half file, and an older one as it was.

    Raises EnvironmentFault.
    """
    draft = place.with_name(f".{place.name}.{os.getpid()}")
    try:
        try:
            draft.write_bytes(data)
            draft.replace(place)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise EnvironmentFault(f"cannot be written: {error.strerror}", where=str(place)) from error
    return place


def _json(snapshot: Snapshot) -> bytes:
    judgement = snapshot.judgement
    content = results_json(snapshot.view.sweep, judgement, snapshot.diagnoses, judgement.trials)
    return msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n"


def _table(form: Form, sweep: Path) -> bytes:
    # -P: a random.py in the folder one stands in must not stand in for Python's own.
    argv = [sys.executable, "-P", "-m", "tuiswp.cli.main", "results", f"--{form}", str(sweep)]
    try:
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=_LIMIT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EnvironmentFault(f"the table was not made: {error}") from error
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip()
        raise EnvironmentFault(f"the table was not made: {visible(said, limit=300)}")
    return done.stdout

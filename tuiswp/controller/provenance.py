"""Where a sweep comes from: command, directory, commit and uncommitted diff, interpreter, packages.

Asked once, when the sweep is created. What cannot be learned is left out, never guessed.
"""

import os
import platform
import subprocess
import sys
import time
from pathlib import Path

import msgspec

from tuiswp import proc, trust
from tuiswp.controller.directory import SweepDirectory, write_atomically
from tuiswp.controller.secrets import Secrets
from tuiswp.plain import read_plain

_GIT_TIMEOUT_S = 10.0
NO_SECRETS = Secrets()
_DIFF_LIMIT = 10 * 1024 * 1024


class Provenance(msgspec.Struct, frozen=True):
    """`source`: the sweep file as it was named; `cwd`: where tuiswp was started, and trials run.

    `name`: the sweep's name if one was given with --name; None: what the file says.
    """

    command: tuple[str, ...]
    cwd: str
    source: str
    at: float
    host: str
    tuiswp: str
    python: str
    executable: str
    platform: str
    git_commit: str | None = None
    git_dirty: bool | None = None
    gpus: tuple[str, ...] = ()
    driver: str | None = None
    packages: dict[str, str] = {}
    name: str | None = None


def collect(
    source: Path,
    cwd: Path,
    *,
    version: str,
    gpus: tuple[str, ...] = (),
    driver: str | None = None,
    name: str | None = None,
) -> Provenance:
    """Everything but the diff, which `uncommitted_diff` gives."""
    from importlib import metadata  # slow to import, and used once in the life of a sweep

    commit = _git(cwd, "rev-parse", "HEAD")
    status = _git(cwd, "status", "--porcelain") if commit else None
    return Provenance(
        command=tuple(sys.orig_argv),
        cwd=str(cwd),
        source=str(source),
        at=time.time(),
        host=proc.hostname(),
        tuiswp=version,
        python=platform.python_version(),
        executable=sys.executable,
        platform=platform.platform(),
        git_commit=commit.decode("ascii", "replace").strip() if commit else None,
        git_dirty=bool(status.strip()) if status is not None else None,
        gpus=gpus,
        driver=driver,
        name=name,
        packages=dict(
            sorted(
                (name, distribution.version)
                for distribution in metadata.distributions()
                if (name := distribution.metadata["Name"])
            )
        ),
    )


def uncommitted_diff(cwd: Path) -> bytes | None:
    """`git diff HEAD`, cut at 10 MiB; None outside a repository."""
    diff = _git(cwd, "diff", "HEAD", "--no-ext-diff", "--no-textconv")
    return None if diff is None else diff[:_DIFF_LIMIT]


def _git(cwd: Path, *arguments: str) -> bytes | None:
    git = trust.program("git", os.environ)
    if git is None:
        return None
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    try:
        done = subprocess.run(
            [git, "-C", str(cwd), *arguments],
            capture_output=True,
            timeout=_GIT_TIMEOUT_S,
            check=False,
            env=environment,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def write(directory: SweepDirectory, provenance: Provenance, secrets: Secrets = NO_SECRETS) -> None:
    """Keep it; a secret that somebody typed into the call or into a tracked file is left out."""
    command = tuple(secrets.text(word) for word in provenance.command)
    provenance = msgspec.structs.replace(provenance, command=command)
    write_atomically(
        directory.provenance, msgspec.json.format(msgspec.json.encode(provenance), indent=2) + b"\n"
    )
    diff = uncommitted_diff(Path(provenance.cwd))
    if diff:
        write_atomically(directory.root / "provenance.diff", secrets.raw(diff))


def load(directory: SweepDirectory) -> Provenance | None:
    """What was written at creation; None if it is missing or unreadable."""
    try:
        return msgspec.json.decode(read_plain(directory.provenance), type=Provenance)
    except (OSError, msgspec.DecodeError):
        return None

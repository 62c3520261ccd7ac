"""Results that take minutes, kept as JSON beside the code, with commit, day and machine."""

import os
import platform
import subprocess
import time
from pathlib import Path
from typing import Any

import msgspec

RESULTS = Path(__file__).parent / "results"


def load(name: str) -> dict[str, Any] | None:
    """What was measured last; None if nothing was."""
    path = RESULTS / f"{name}.json"
    found = msgspec.json.decode(path.read_bytes()) if path.exists() else None
    return found if isinstance(found, dict) else None


def save(name: str, found: dict[str, Any]) -> dict[str, Any]:
    """Write `found` down with where it comes from."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    whole = {
        "commit": commit,
        "date": time.strftime("%Y-%m-%d"),
        "machine": f"{os.cpu_count()} cores, Python {platform.python_version()}",
        **found,
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_bytes(msgspec.json.format(msgspec.json.encode(whole)) + b"\n")
    return whole


def origin(found: dict[str, Any]) -> str:
    return f"{found['date']}, commit {found['commit']}"

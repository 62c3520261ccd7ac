"""The versions of tmux that are here: the one in PATH, and what scripts/other_tmux has built.

A test with the fixture `tmux_version` runs once with each that tuiswp accepts, chosen as a person
chooses it, by PATH. `make test` tries the installed one, and the newest other one where a test is
marked `other_tmux`; `make faults` tries all of them everywhere.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import leftovers

_BUILT = Path(__file__).parents[1] / ".venv" / "tmux"
_OLDEST = (3, 2)
INSTALLED = "installed"


def built() -> list[str]:
    """Versions that were built, the newest first."""
    return sorted((path.parent.name for path in _BUILT.glob("*/tmux")), key=_order, reverse=True)


def usable() -> list[str]:
    """Likewise, without those that tuiswp refuses."""
    return [version for version in built() if _order(version)[:2] >= _OLDEST]


def program(version: str) -> Path:
    return _BUILT / version / "tmux"


def each(*, marked: bool) -> list[object]:
    """What a test is called with; `marked`: it has the mark `other_tmux`."""
    return [INSTALLED] + [
        pytest.param(version, marks=() if marked and number == 0 else pytest.mark.faults)
        for number, version in enumerate(usable())
    ]


def first_in_path(version: str) -> Iterator[str]:
    """Until it is resumed, `tmux` is this version, on a socket that no other version speaks to."""
    if version == INSTALLED:
        yield version
        return
    with pytest.MonkeyPatch.context() as patch:
        socket = f"{os.environ['TUISWP_TMUX_SOCKET']}-{version.replace('.', '-')}"
        patch.setenv("PATH", f"{program(version).parent}{os.pathsep}{os.environ['PATH']}")
        patch.setenv("TUISWP_TMUX_SOCKET", socket)
        yield version
        leftovers.end_tmux_server(socket)  # by its own tmux: another may not be understood


def _order(version: str) -> tuple[int, int, str]:
    found = re.fullmatch(r"(\d+)\.(\d+)([a-z]?)", version)
    assert found is not None, f"{_BUILT} holds {version!r}, which is no version"
    return int(found[1]), int(found[2]), found[3]

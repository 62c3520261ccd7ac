"""Pictures of screens are accepted with the pinned Textual alone: another draws them otherwise."""

import re
from pathlib import Path

import pytest
import textual

_CONSTRAINTS = Path(__file__).parents[2] / "constraints.txt"


def pinned_textual() -> str:
    """The version that the accepted pictures were drawn with."""
    found = re.search(r"^textual==(\S+)$", _CONSTRAINTS.read_text(), re.MULTILINE)
    assert found is not None, _CONSTRAINTS
    return found[1]


def pytest_collection_modifyitems(config: pytest.Config) -> None:
    drawn, pinned = textual.__version__, pinned_textual()
    if config.getoption("update_snapshots", False) and drawn != pinned:
        raise pytest.UsageError(
            f"pictures of screens are accepted with Textual {pinned} (constraints.txt) and this is "
            f"{drawn}: install that one, or move the pin first"
        )

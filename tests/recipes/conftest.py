"""Ends, with the tests, the process that their commands were forked from."""

from collections.abc import Iterator

import pytest

from tests.recipes import helpers


@pytest.fixture(scope="session", autouse=True)
def nothing_is_left() -> Iterator[None]:
    with helpers.OPEN:
        yield

"""The shape of a result: what was measured, the value, the bar, and whether the bar is met.

A bar is a promise of the issue that asked for it. A row without a bar (`ok` None) is there to be
read beside another one: the same work without us, or the machine's own floor.
"""

from typing import TypeAlias

Row: TypeAlias = tuple[str, str, str, bool | None]


def at_most(name: str, value: float, bar: float, unit: str, *, places: int = 1) -> Row:
    """`value` must not exceed `bar`; both in `unit`."""
    return name, f"{value:.{places}f} {unit}", f"<= {bar:g} {unit}", value <= bar


def at_least(name: str, value: float, bar: float, unit: str, *, places: int = 1) -> Row:
    """`value` must reach `bar`; both in `unit`."""
    return name, f"{value:.{places}f} {unit}".strip(), f">= {bar:g} {unit}".strip(), value >= bar


def exactly(name: str, value: object, bar: object) -> Row:
    """`value` must equal `bar`."""
    return name, str(value), str(bar), value == bar


def failed(name: str, why: str) -> Row:
    """What could not be measured: the bar is not met, and the others still stand."""
    return name, why, "to be measured", False


def noted(name: str, value: str) -> Row:
    """A figure to read the others by."""
    return name, value, "", None

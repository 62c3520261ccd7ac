"""What of a journal or a sweep file cannot be believed, said beside each answer without it."""

from tuiswp.cli import output
from tuiswp.controller.client import SweepView
from tuiswp.text import visible

SHOWN = 3


def lines(view: SweepView) -> list[str]:
    said = [
        f"{'damaged: ' if one.line else ''}{one.where}: {visible(one.reason)}; "
        "what else is there was read"
        for one in view.damage[:SHOWN]
    ]
    if view.changed is not None:
        said.append(visible(view.changed))
    more = len(view.damage) - SHOWN
    return [*said, f"damaged: {more} lines more"] if more > 0 else said


def tell(view: SweepView) -> None:
    """On stderr, so that what a program reads stays whole."""
    for line in lines(view):
        output.warn(line)

"""A learning-rate range test that ran before the sweep: what its file says, and its curve.

The file is written by `recipes.lr_finder`, or by anything that writes the same keys; it is hostile
text. Proposes nothing: who tries its suggestion is `controller.range_test`.
"""

import math

import msgspec

from tuiswp.analysis.axes import spell
from tuiswp.analysis.canvas import BEST, GRID, LINE, PALE, drawing, put_text, rendered
from tuiswp.text import visible

FILE = "lr_finder.json"
_LEAST = 2  # points of a curve


class RangeTest(msgspec.Struct, frozen=True):
    """`smoothed` has as many values as `rates`; `suggestion` None: the loss fell nowhere."""

    suggestion: float | None
    rates: tuple[float, ...]
    losses: tuple[float, ...]
    smoothed: tuple[float, ...]
    parameter: str = "learning_rate"
    ended: str = ""


def read(data: bytes) -> RangeTest:
    """The range test in a file. Raises ValueError saying what it is not."""
    try:
        found = msgspec.json.decode(data, type=RangeTest)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(
            f"is no result of a range test: {visible(str(error), limit=160)}"
        ) from None
    lengths = {len(found.rates), len(found.losses), len(found.smoothed)}
    if len(lengths) != 1 or len(found.rates) < _LEAST or not all(r > 0 for r in found.rates):
        raise ValueError("is no result of a range test: its curve is broken")
    if found.suggestion is not None and not 0 < found.suggestion < math.inf:
        raise ValueError(f"suggests {found.suggestion}, which is no learning rate")
    return found


def told(found: RangeTest) -> str:
    """`range test of learning_rate: the loss falls fastest at 4.2e-4`; safe to show."""
    name = visible(found.parameter, limit=60)
    ended = f" ({visible(found.ended, limit=120)})" if found.ended else ""
    if found.suggestion is None:
        return f"range test of {name}: the loss fell nowhere{ended}"
    shown = spell(found.suggestion, log=True)
    return f"range test of {name}: the loss falls fastest at {shown}{ended}"


def image(found: RangeTest, suffix: str, *, framed: bool = True) -> bytes:
    """The curve over the rate, with the suggestion marked. Raises UsageError without matplotlib."""
    with drawing("range-test") as make:
        figure = make((8.0, 4.2))
        axes = figure.subplots()
        axes.set_xscale("log")
        axes.plot(found.rates, found.losses, color=PALE, linewidth=0.9, alpha=0.7, label="loss")
        axes.plot(found.rates, found.smoothed, color=LINE, linewidth=2.0, label="smoothed")
        if found.suggestion is not None:
            shown = spell(found.suggestion, log=True)
            axes.axvline(
                found.suggestion, color=BEST, linestyle=(0, (5, 4)), label=f"suggestion {shown}"
            )
        put_text(axes.set_xlabel, f"{visible(found.parameter, limit=60)} (log scale)")
        put_text(axes.set_ylabel, "training loss")
        axes.grid(color=GRID, alpha=0.28, linewidth=0.7)
        axes.legend(fontsize=9.5)
        return rendered(figure, suffix, framed=framed)

"""What every picture in a file is drawn on: matplotlib without a window, our ink, inert text.

Matplotlib is loaded when a picture is asked for. No setting of the user's applies, and no text of a
trial is read as mathematics.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

from tuiswp.errors import UsageError

Figure: TypeAlias = Any  # matplotlib is optional, so its types are not ours to name
Axes: TypeAlias = Any

INK = "#1f2933"  # text and axes; in a page it becomes the page's own colour
GRID = "#9aa5b1"
LINE = "#3b82f6"
BEST = "#16a34a"
DEFAULT = "#e08a00"
LOST = "#dc2626"
PALE = "#8b949e"
_SETTINGS = {
    "font.family": ["DejaVu Sans"],
    "font.size": 10.5,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.formatter.use_mathtext": False,
    "svg.fonttype": "path",  # looks the same where the font is missing
    "legend.frameon": False,
}


@contextmanager
def drawing(salt: str) -> Iterator[Any]:
    """Matplotlib's own defaults plus ours, and a maker of figures; the user's are left as found."""
    try:
        import matplotlib
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure as NewFigure
    except ImportError as error:
        raise UsageError(
            "pictures need matplotlib, which is not installed",
            hint="install it with: pip install 'tuiswp[report]'",
        ) from error

    def make(size: tuple[float, float]) -> Figure:
        figure = NewFigure(figsize=size, layout="constrained")
        FigureCanvasAgg(figure)
        return figure

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update({**_SETTINGS, "svg.hashsalt": f"tuiswp-{salt}"})
        yield make


def say(axes: Axes, text: str) -> None:
    axes.set_axis_off()
    axes.text(0.5, 0.5, text, ha="center", va="center", transform=axes.transAxes)


def put_text(put: Any, text: str) -> None:
    put(drawable(text), parse_math=False)


def drawable(text: str) -> str:
    """`text` with what the font cannot draw as `□`: matplotlib would warn for each."""
    from matplotlib import font_manager

    known = font_manager.get_font(font_manager.findfont("DejaVu Sans")).get_charmap()
    return "".join(char if ord(char) in known else "□" for char in text)


def rendered(figure: Figure, suffix: str, *, framed: bool) -> bytes:
    buffer = io.BytesIO()
    metadata = {"Software": None} if suffix == ".png" else {"Date": None, "Creator": None}
    figure.savefig(
        buffer, format=suffix[1:], dpi=150, metadata=metadata, transparent=not framed,
        facecolor="white" if framed else "none",
    )  # fmt: skip
    return buffer.getvalue()

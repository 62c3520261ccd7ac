"""An SVG of a screen that stands alone: whoever looks at it asks nobody for a font. Pure."""

import re

# What a machine has: the first of these that it knows. Each piece of text carries its own length,
# so that columns meet whatever the font.
FONTS = "'DejaVu Sans Mono', 'Cascadia Mono', Menlo, Consolas, 'Liberation Mono', monospace"

_FONT_FACE = re.compile(r"\s*@font-face\s*\{.*?\}", re.DOTALL)
_MATRIX_FONT = re.compile(r"font-family: Fira Code, monospace")
_COMMENT = re.compile(r"\s*<!--.*?-->", re.DOTALL)


def self_contained(svg: str) -> str:
    """`svg`, as Rich writes it, without the fonts it would fetch."""
    without = _COMMENT.sub("", _FONT_FACE.sub("", svg))
    return _MATRIX_FONT.sub(f"font-family: {FONTS}", without)

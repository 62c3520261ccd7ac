"""What is wrong with an expression, and at which of its characters."""

from tuiswp.errors import SpecError


class ExpressionError(SpecError):
    """`at`: the character it is about, counted from 1. The line shown begins with it."""

    def __init__(self, what: str, at: int, hint: str | None = None) -> None:
        self.at = at
        super().__init__(what, where=f"column {at}", hint=hint)

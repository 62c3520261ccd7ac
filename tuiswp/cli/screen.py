"""The lower part of the terminal while a sweep runs: a bar for each running trial. Drawn by rich.

It is given a view and draws it; lines of the story scroll away above it.
"""

import time
from types import TracebackType
from typing import TYPE_CHECKING

from tuiswp.analysis import words
from tuiswp.analysis.axes import measured
from tuiswp.cli import output
from tuiswp.cli.status import leases, numbers
from tuiswp.controller.client import SweepView
from tuiswp.controller.story import Line, status_line, trial_left
from tuiswp.model.trial import Trial
from tuiswp.spec.params import swept

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

BAR = 24
_TONES = {
    "plain": "", "strong": "bold", "good": "green", "bad": "red", "note": "yellow", "dim": "dim",
}  # fmt: skip


class Screen:
    """A live region on stdout; use it as a context."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.live import Live

        self._console = Console(highlight=False, markup=False, emoji=False)
        self._live = Live(
            console=self._console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> "Screen":
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def say(self, lines: list[Line]) -> None:
        """Lines above the bars."""
        from rich.text import Text

        for line in lines:
            self._console.print(Text(line.text, style=_TONES[line.tone]), soft_wrap=True)

    def draw(self, view: SweepView, planned: int | None) -> None:
        """`planned`: trials of the whole sweep."""
        self._live.update(self._picture(view, planned, self._console.size.height), refresh=True)

    def _picture(self, view: SweepView, planned: int | None, height: int) -> "RenderableType":
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        running = sorted(view.state.live(), key=lambda trial: trial.number)
        room = max(1, height - 4)
        progress = {trial.number: numbers(view, trial)[2] for trial in running}
        summary = status_line(view.sweep, view.state, planned, progress)
        grid = Table.grid(padding=(0, 2))
        for trial in running[:room]:
            grid.add_row(*self._row(view, trial, progress[trial.number]))
        parts: list[RenderableType] = [Text(""), grid] if running else [Text("")]
        if len(running) > room:
            parts.append(Text(f"and {len(running) - room} more", style="dim"))
        word = "" if view.word == "running" else f"{view.word}: "
        parts.append(Text(word + summary, style="bold", no_wrap=True, overflow="ellipsis"))
        return Group(*parts)

    def _bar_size(self) -> int:
        """Short on a narrow terminal, so that the parameters stay readable."""
        return max(8, min(BAR, (self._console.size.width - 60) // 2))

    def _row(self, view: SweepView, trial: Trial, progress: float | None) -> list["Text"]:
        from rich.text import Text

        value, step, _ = numbers(view, trial)
        left = trial_left(trial, progress, None, now=time.time())
        params = words.assignments(trial.params, swept(view.sweep), limit=40)
        cells = (
            trial.id,
            words.places(leases(trial)),
            params,
            bar(progress, unicode=output.speaks_unicode(), size=self._bar_size()),
            words.share(progress),
            "" if step is None else f"step {words.step(step)}",
            "" if value is None else measured(value),
            "" if left is None else f"{words.duration(left)} left",
        )
        return [Text(cell, no_wrap=True, overflow="ellipsis") for cell in cells]


def bar(progress: float | None, *, unicode: bool, size: int = BAR) -> str:
    """Progress in 0..1 as a bar of `size` columns; a trial that reports none has an empty one.

    >>> bar(0.5, unicode=False, size=8)
    '####----'
    """
    full, empty = ("━", "·") if unicode else ("#", "-")
    done = 0 if progress is None else int(max(0.0, min(1.0, progress)) * size)
    return full * done + empty * (size - done)

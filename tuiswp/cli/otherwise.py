"""The flags that say otherwise than the sweep file: `--fix`, `--count`, `--metric` and `--goal`.

`--help` loads this module, so what changes a file loads when a flag is given.
"""

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tuiswp.controller.opening import SweepText
    from tuiswp.spec.overriding import Overrides


def add_arguments(parser: ArgumentParser) -> None:
    file = parser.add_argument_group("instead of what the sweep file says")
    file.add_argument("--count", type=int, metavar="N", help="trials at most (its run_cap)")
    file.add_argument("--metric", metavar="NAME", help="the metric that decides")
    file.add_argument("--goal", choices=("minimize", "maximize"), help="its goal")
    file.add_argument(
        "--fix", action="append", default=[], metavar="NAME=VALUE",
        help="give a parameter this one value: a model, a data set, a task; may be repeated",
    )  # fmt: skip


def given(arguments: Namespace) -> "Overrides | None":
    """What the flags say; None: nothing. Raises UsageError."""
    if (arguments.count, arguments.metric, arguments.goal, arguments.fix) == (None, None, None, []):
        return None
    from tuiswp.spec.overriding import Overrides, fixed

    return Overrides(
        parameters=fixed(arguments.fix),
        metric=arguments.metric,
        goal=arguments.goal,
        count=arguments.count,
    )


def applied(text: "SweepText", overrides: "Overrides | None") -> "SweepText":
    """The sweep as the flags have it. A fault of the file itself is told first, with its lines."""
    if not overrides:
        return text
    from tuiswp.spec.overriding import override

    text.sweep()
    return text._replace(data=override(text.bytes(), overrides))

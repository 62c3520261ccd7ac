"""A trainer with typer: rich draws its help in a box."""

from enum import Enum
from typing import Annotated

import typer


class Optimizer(str, Enum):  # noqa: UP042  typer's own form
    sgd = "sgd"
    adamw = "adamw"


def main(
    out: Annotated[str, typer.Option(help="Where to write.")],
    lr: Annotated[float, typer.Option("--lr", "-l", help="Learning rate.")] = 1e-3,
    epochs: int = 3,
    batch_size: Annotated[
        int, typer.Option(min=1, max=1024, help="Rows a step, and much more is said of them.")
    ] = 32,
    dropout: float = 0.1,
    optimizer: Optimizer = Optimizer.adamw,
    amp: bool = False,
) -> None:
    """Train a small thing."""
    typer.echo(f"{out} {lr} {epochs} {batch_size} {dropout} {optimizer} {amp}")


if __name__ == "__main__":
    typer.run(main)

"""A trainer with click: some defaults shown, ranges, a switch with two names."""

import click


@click.command()
@click.argument("data", default="corpus")
@click.option("--lr", "-l", default=1e-3, show_default=True, help="Learning rate.")
@click.option("--epochs", type=int, default=3, help="How many.")
@click.option(
    "--batch-size",
    type=click.IntRange(1, 48),
    default=32,
    show_default=True,
    help="Rows a step, in a sentence so long that click has to wrap it over several lines.",
)
@click.option("--dropout", type=click.FloatRange(0, 1, max_open=True), default=0.1)
@click.option("--optimizer", type=click.Choice(["sgd", "adamw"]), default="adamw")
@click.option("--amp/--no-amp", default=False, show_default=True)
@click.option("--fast", is_flag=True)
@click.option("--out", required=True)
def main(**options: object) -> None:
    """Train a small thing."""
    click.echo(options)


if __name__ == "__main__":
    main()

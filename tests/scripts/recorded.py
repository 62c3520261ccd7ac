"""Help as the trainers print it, recorded; `test_real_help` holds it to what they print today."""

from pathlib import Path

from tuiswp.scripts.options import Interface
from tuiswp.scripts.reading import family_of

HELP = Path(__file__).parent / "help"
TRAINERS = Path(__file__).parent / "trainers"
FAMILY = {
    "argparse": "argparse", "click": "click", "typer": "typer", "hydra": "hydra",
    "huggingface": "Hugging Face Trainer", "recipe": "name=value words",
}  # fmt: skip


def recorded(kind: str) -> Interface:
    """The options of one trainer by its recorded help."""
    text = (HELP / f"{kind}.txt").read_text()
    family = family_of(text)
    assert family is not None
    more = HELP / f"{kind}_config.txt"
    return family.read(more.read_text() if more.exists() else text)

"""The range test: where the loss falls fastest, when it stops, and what is left behind."""

import json
import math
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from recipes import lr_finder
from recipes.lr_finder import Finding, Parts, Range, draw, find, levelled, suggest

pytestmark = pytest.mark.slow  # torch

RATES = [1e-6 * 10 ** (4 * n / 99) for n in range(100)]


def curve(falls_at: float, rises_at: float) -> list[float]:
    """A loss that falls from 3 to 1 around one rate and explodes at another."""
    return [
        3 - 2 / (1 + (falls_at / rate) ** 3) + (rate / rises_at) ** 4 + 0.02 * math.sin(9.0 * n)
        for n, rate in enumerate(RATES)
    ]


def test_the_suggestion_is_where_the_loss_falls_most_steeply() -> None:
    for falls in (1e-5, 1e-4, 6e-4):
        found = suggest(RATES, curve(falls, 8e-3))
        assert found is not None
        assert falls / 1.5 < found < falls * 1.5


def test_a_loss_that_never_falls_suggests_nothing() -> None:
    assert suggest(RATES, [2 + 0.01 * math.sin(7.0 * n) for n in range(100)]) is None
    assert suggest(RATES, [1 + rate for rate in RATES]) is None
    assert suggest(RATES[:5], [5, 4, 3, 2, 1]) is None


def test_smoothing_is_not_late() -> None:
    assert levelled([0.0] * 10 + [1.0] + [0.0] * 10).index(1 / 9) == 6


@pytest.mark.parametrize(
    ("tokens", "said"),
    [
        (["low=1", "high=0.1"], "0 < low < high"),
        (["steps=3"], "too few for a slope"),
        (["stop_at=1"], "must be above 1"),
        (["recipe=nothing"], "has no learning-rate finder; known: "),
    ],
)
def test_a_wrong_argument_is_one_line(
    tokens: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        lr_finder.main(tokens)
    assert left.value.code == 2
    assert said in capsys.readouterr().err


def test_the_picture_is_drawn(tmp_path: Path) -> None:
    losses = curve(1e-4, 8e-3)
    finding = Finding(RATES, losses, levelled(losses), 1e-4, "the range was gone through")
    assert draw(finding, tmp_path / "curve.png")
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")


def quadratic(scale: float = 1.0) -> Parts:
    """A model whose loss is the square of its one weight: SGD above a rate of 1 explodes."""
    import torch

    class Square(torch.nn.Module):  # type: ignore[misc]  # torch is untyped here
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.tensor(1.0))

        def forward(self, labels: Any) -> Any:
            return type("Out", (), {"loss": scale * self.weight**2 * labels.mean()})

    def steps() -> Iterator[list[dict[str, Any]]]:
        while True:
            yield [{"labels": torch.ones(2)}, {"labels": torch.ones(3)}]

    return Parts(Square(), steps(), lambda ps, rate: torch.optim.SGD(ps, lr=rate), clip=0.0)


def test_a_rate_that_breaks_training_ends_the_test(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUISWP_METRICS", str(tmp_path / "metrics.jsonl"))
    asked = Range(low=1e-3, high=100, steps=60)
    found = find(quadratic(), asked)
    assert found.ended.startswith("the loss is 4 times its best at ")
    assert 0.01 < (found.suggestion or 0) < 1.0
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert len(found.rates) == len(rows) < 60
    assert rows[0]["learning_rate"] == 1e-3
    ratios = [b["learning_rate"] / a["learning_rate"] for a, b in pairwise(rows)]
    assert ratios == pytest.approx([1e5 ** (1 / 59)] * len(ratios))
    broken = find(quadratic(math.nan), asked)
    assert broken.suggestion is None and broken.ended.startswith(
        "the loss is not finite at 1.00e-03"
    )

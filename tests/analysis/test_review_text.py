"""The look back drawn in text: what stands where, in any width, with and without Unicode."""

import math
import random

import pytest

from tests.analysis.builders import choice, ended, over, sweep_of
from tests.hostile import PAYLOADS
from tuiswp.analysis.gradients import gradients
from tuiswp.analysis.optimum import Judgement, judge
from tuiswp.analysis.rank_agreement import Agreement
from tuiswp.analysis.review import PARTS, Review, columns_of, review
from tuiswp.analysis.review_text import beside, blocks
from tuiswp.analysis.tables import columns
from tuiswp.model.space import LogUniform, Params, Uniform

pytestmark = pytest.mark.slow  # resampled statistics

LR = over("lr", LogUniform(math.log(1e-5), math.log(1e-1)), "log_uniform_values")


def studied(drop: str = "dropout", act: str = "act") -> tuple[Review, Judgement]:
    """Sixty trials in which lr decides and the best is t0007; every part has something to draw."""
    draw = random.Random(3)
    space = LR, over(drop, Uniform(0, 0.5)), choice(act, ["relu", "gelu"])
    sweep = sweep_of(*space, method="random")
    trials = []
    for n in range(60):
        x = -3.0 if n == 7 else draw.uniform(-5, -1)
        params: Params = {
            "lr": 10**x,
            drop: draw.uniform(0, 0.5),
            act: draw.choice(["relu", "gelu"]),
        }
        trials.append(ended(n, params, 2 + (x + 3) ** 2, origin="random"))
    judgement = judge(sweep, trials)
    norms = [float(n) for n in range(40)], [0.5 + 0.05 * n for n in range(40)]
    rates = [float(n) for n in range(40)], [1e-4] * 20 + [1e-2] * 20
    found = review(sweep, judgement, trials, {}, {}, parts=("mattered", "search"))
    named = gradients({0: (norms, rates)}, {0: 1.22}, norm=drop, rate="lr")
    agreed = Agreement(act, 10.0, 12, 0.5, 0.1, 0.8, 0.4, 3, 4, 2)
    fields = found.importances, found.walks, found.clusters
    return Review(found.evidence, *fields, (agreed,), "step", True, named), judgement


def texts(found: Review, judgement: Judgement, width: int, *, ascii: bool = False) -> list[str]:
    return [
        line
        for part in PARTS
        for block in blocks(part, found, judgement, width=width, ascii=ascii)
        for line in block
    ]


def test_what_matters_has_the_longest_bar_and_the_best_is_marked_where_it_lies() -> None:
    found, judgement = studied()
    [bars] = blocks("mattered", found, judgement, width=80)
    assert bars[1].startswith("lr ")
    assert bars[1].count("█") > bars[2].count("█")
    assert "chance would do" in bars[-1]
    history, *_, parallel = blocks("search", found, judgement, width=80)
    assert history[0] == "lr from t0000 to t0059"
    assert (history[1].split()[0], history[4].split()[0]) == ("1e-1", "1e-5")
    [(row, at)] = [(n, line.index("★")) for n, line in enumerate(history) if "★" in line]
    assert row in (2, 3)  # in the middle of the axis
    assert at < 20  # and early: it is the eighth of sixty
    assert parallel[0] == "the best 15 of 60 trials over all axes, ★ t0007"
    assert parallel[-2].split() == ["lr", "dropout", "act"]
    assert parallel[-1].split()[0] == "1e-3"


def test_survivors_under_another_metric_and_the_clipped_share_stand_in_their_rows() -> None:
    found, judgement = studied()
    [ranks] = blocks("early", found, judgement, width=80)
    row = " ".join(ranks[-1].split())
    assert row == "act 10 +0.50 +0.10 to +0.80 +0.40 12 3 of 12 2 of 4"
    [table] = blocks("gradients", found, judgement, width=80)
    low, high = table[2:]
    assert "25 %" in low  # 1.25 to 1.45 of 0.5 to 1.45, against 1.22
    assert high.split()[-1].count("█") >= 16
    assert "100 %" in high


def test_a_drawing_says_what_its_sentences_would_say_again() -> None:
    assert beside("early", ["head", "row"], [["drawn"]]) == ["head"]
    assert beside("early", ["head", "row"], []) == ["head", "row"]
    assert beside("search", ["lr narrowed", "groups"], [["drawn"]]) == ["lr narrowed", "groups"]


@pytest.mark.parametrize("width", [20, 40, 80, 160])
def test_no_drawing_is_wider_than_its_room_and_ascii_is_ascii(width: int) -> None:
    found, judgement = studied()
    lines = [
        line
        for part in PARTS
        for block in blocks(part, found, judgement, width=width)
        for line in block[1:]  # a title is wrapped by who shows it
    ]
    if width >= 60:
        assert max(columns(line) for line in lines) <= width
    assert all(line.isascii() for line in texts(found, judgement, width, ascii=True))


@pytest.mark.parametrize("text", PAYLOADS.values(), ids=PAYLOADS)
def test_no_name_acts_on_the_terminal(text: str) -> None:
    found, judgement = studied(text, f"{text}2")
    assert all(line.isprintable() for line in texts(found, judgement, 100))


def test_a_part_of_a_large_sweep_reads_no_more_than_its_columns() -> None:
    names = ("loss", "grad_norm", "learning_rate", "epoch", "acc", "f1", "a", "b", "c")
    assert columns_of("gradients", names, "loss") == ("grad_norm", "learning_rate")
    assert columns_of("early", names, "loss") == ("loss", "acc", "f1", "a", "b")
    assert columns_of("sure", names, "loss") == ("loss",)

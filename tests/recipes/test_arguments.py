"""What a sweep sends on a command line reaches the configuration typed, or is refused."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from recipes.arguments import parse


@dataclass(frozen=True)
class Settings:
    learning_rate: float = 0.1
    steps: int = 10
    note: str = ""
    fast: bool = False

    def __post_init__(self) -> None:
        if self.steps < 0:
            raise ValueError(f"steps={self.steps} is below 0")


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        ([], Settings()),
        (["learning_rate=1"], Settings(learning_rate=1.0)),
        (["--learning_rate=1e-3", "steps=5"], Settings(learning_rate=1e-3, steps=5)),
        (["note=lr=3"], Settings(note="lr=3")),
        (["note=--x=$(y); 'z'\n"], Settings(note="--x=$(y); 'z'\n")),
        (["note="], Settings()),
        (["fast=True"], Settings(fast=True)),
        (["fast=true", "fast=False"], Settings(fast=False)),
        (["steps=1", "steps=2"], Settings(steps=2)),
    ],
)
def test_tokens_become_typed_fields(tokens: list[str], expected: Settings) -> None:
    assert parse(Settings, tokens) == expected


def test_one_is_a_float_where_a_float_is_expected() -> None:
    assert isinstance(parse(Settings, ["learning_rate=1"]).learning_rate, float)


@pytest.mark.parametrize(
    ("token", "said"),
    [
        ("learning_rte=1", "did you mean 'learning_rate'?"),
        ("zzz=1", "known: learning_rate, steps, note, fast"),
        ("learning_rate=fast", "is not a finite number"),
        ("learning_rate=nan", "is not a finite number"),
        ("steps=1.0", "is not a whole number"),
        ("steps=", "is not a whole number"),
        ("fast=1", "is not true or false"),
        ("fast=", "is not true or false"),
        ("steps", "is not key=value"),
        ("steps=-1", "is below 0"),
    ],
)
def test_a_wrong_token_is_named_and_ends_with_2(
    token: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        parse(Settings, [token])
    assert left.value.code == 2
    assert said in capsys.readouterr().err


def test_all_wrong_tokens_are_named_together(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(Settings, ["stps=1", "learning_rate=x"])
    shown = capsys.readouterr().err
    assert "'stps'" in shown
    assert "learning_rate='x'" in shown


def test_help_lists_every_field_with_its_default(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        parse(Settings, ["--help"], about="python -m settings")
    assert left.value.code == 0
    shown = capsys.readouterr().out
    assert shown.startswith("python -m settings")
    assert "learning_rate=0.1" in shown


BEST = {
    "learning_rate": 3e-4,
    "fast": True,
    "note": "warm",
    "metric_for_best_model": "eval_loss",
    "greater_is_better": False,
    "optimization_metric": {"name": "eval/loss", "goal": "minimize"},
}


def best_file(tmp_path: Path, text: str) -> str:
    (tmp_path / "best.json").write_text(text)
    return f"best_config={tmp_path / 'best.json'}"


def test_what_a_sweep_found_best_is_taken_and_a_token_beside_it_wins(tmp_path: Path) -> None:
    best = best_file(tmp_path, json.dumps(BEST))
    for tokens in (["note=mine", best], [best, "note=mine"]):
        assert parse(Settings, tokens) == Settings(learning_rate=3e-4, fast=True, note="mine")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (json.dumps({"learning_rte": 1}), "unknown parameter 'learning_rte'; did you mean"),
        (json.dumps({"steps": 1.5}), "steps=1.5 is not a whole number"),
        (json.dumps([1]), "holds no JSON object"),
        ('{"steps": 1', "is not JSON"),
    ],
)
def test_a_best_config_that_is_none_is_told_and_ends_with_2(
    text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        parse(Settings, [best_file(tmp_path, text)])
    assert left.value.code == 2
    assert said in capsys.readouterr().err


def test_a_best_config_that_is_missing_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(Settings, ["best_config=/nowhere/best.json"])
    assert "'/nowhere/best.json' cannot be read: No such file" in capsys.readouterr().err

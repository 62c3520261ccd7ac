"""`lora` for real, small: it learns, the best adapter is kept, and a stopped run goes on."""

import json
import signal
import subprocess
from pathlib import Path

import pytest

from tests.end_to_end.harness import wait_for
from tests.recipes import helpers
from tests.recipes.helpers import MICRO, curve, rows, start, start_alone
from tests.recipes.preloaded import Command
from tests.recipes.test_training import PAIRS

# torch loads slowly where eight others compute: the times are only there to end what hangs.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

STEPS = 80


def finish(process: "Command | subprocess.Popen[str]") -> tuple[int, str, str]:
    return helpers.finish(process, timeout=280)


def run(cache: Path, module: str, *arguments: str) -> tuple[int, str, str]:
    return finish(start(cache, module, *arguments))


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def arguments(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    code, out, err = run(cache, "recipes.base_model", *MICRO)
    assert code == 0, err
    data = tmp_path_factory.mktemp("data") / "pairs.jsonl"
    data.write_text("".join(json.dumps(pair) + "\n" for pair in PAIRS))
    return [
        f"model={out.splitlines()[-1]}", f"data={data}", "learning_rate=0.01",
        f"max_steps={STEPS}", "batch_size=4", "gradient_accumulation_steps=2", "lora_rank=8",
        "lora_dropout=0.1",  # so that a resumed run needs the random numbers too
        "eval_steps=20", "max_eval_examples=24", "adam_beta2=0.99",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def runs(
    cache: Path, arguments: list[str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path, str]:
    """A run to its end, one that was stopped and goes on, and what the first one printed."""
    whole, stopped = tmp_path_factory.mktemp("whole"), tmp_path_factory.mktemp("stopped")
    one = start(cache, "recipes.lora", *arguments, f"log_path={whole}")
    other = start(cache, "recipes.lora", *arguments, f"log_path={stopped}")
    metrics = stopped / "metrics.jsonl"
    wait_for(lambda: metrics.exists() and metrics.read_bytes().count(b"\n") >= 12, timeout=280)
    other.send_signal(signal.SIGTERM)
    code, out, err = finish(other)
    assert code == 143, err
    done = max(row["step"] for row in rows(stopped))
    assert 12 <= done < STEPS
    assert f"saved after step {done}" in out
    code, told, err = finish(one)
    assert code == 0, err
    code, out, err = run(cache, "recipes.lora", *arguments, f"log_path={stopped}")
    assert code == 0, err
    assert f"going on from checkpoint-{done}" in out
    return whole, stopped, told


def test_the_loss_falls_and_every_step_leaves_a_row(runs: tuple[Path, Path, str]) -> None:
    found = curve(runs[0])
    assert list(found) == list(range(1, STEPS + 1))
    losses = [row["train_loss"] for row in found.values()]
    assert sum(losses[-5:]) < sum(losses[:5]) - 5 * 0.2
    judged = [found[step]["eval_loss"] for step in (20, 40, 60, 80)]
    assert judged[-1] < judged[0]
    assert found[STEPS]["progress"] == 1.0
    assert found[2]["learning_rate"] > found[STEPS]["learning_rate"]
    trained = [row for row in rows(runs[0]) if "train_loss" in row]
    assert all(row["grad_norm"] > 0 and row["tokens_per_second"] > 0 for row in trained)
    assert all(row["peak_memory_mib"] > 50 for row in trained)


def test_a_stopped_run_goes_on_as_if_it_had_not_been(runs: tuple[Path, Path, str]) -> None:
    whole, stopped, _ = runs
    assert curve(stopped) == curve(whole)


def test_the_effective_batch_and_the_best_are_told(runs: tuple[Path, Path, str]) -> None:
    assert "effective batch 8 = 4 per device × 2 accumulated × 1 device" in runs[2]
    assert "best eval_loss" in runs[2]
    config = json.loads((runs[0] / "config.json").read_text())
    assert config["learning_rate"] == 0.01
    assert config["adam_beta2"] == 0.99


def test_the_kept_adapter_scores_the_best_loss_that_was_reported(
    runs: tuple[Path, Path, str], arguments: list[str]
) -> None:
    from recipes import lora
    from recipes.models import causal_lm
    from recipes.training_args import parse_with_training

    config, _ = parse_with_training(lora.Config, arguments)
    data, evaluation = lora.data_files(config)
    _, tokenizer = causal_lm(config.model)
    _, judge = lora.examples(config, data, evaluation, tokenizer, evaluates=True)
    best = min(row["eval_loss"] for row in rows(runs[0]) if "eval_loss" in row)
    adapter = runs[0] / "adapter"
    # Another batch size than the run's: the reported loss is that of the tokens.
    assert lora.score(adapter, config.model, judge, batch_size=5) == pytest.approx(best, abs=1e-4)


def test_a_finished_run_says_so_and_stops_early_when_nothing_gets_better(
    runs: tuple[Path, Path, str], cache: Path, arguments: list[str], tmp_path: Path
) -> None:
    hopeless = ("early_stopping_threshold=9", "early_stopping_patience=1", "eval_steps=2")
    early = start_alone(cache, "recipes.lora", *arguments, *hopeless, f"log_path={tmp_path}")
    code, out, err = run(cache, "recipes.lora", *arguments, f"log_path={runs[0]}")
    assert code == 0, err
    assert "the run is done" in out
    code, out, err = finish(early)
    assert code == 0, err
    assert max(row["step"] for row in rows(tmp_path)) == 4
    assert "stopped early" in out
    assert (tmp_path / "adapter" / "adapter_config.json").exists()


def test_the_finder_trains_the_recipes_model_and_leaves_a_suggestion(
    cache: Path, arguments: list[str], tmp_path: Path
) -> None:
    own = [one for one in arguments if not one.startswith(("max_steps", "adam_beta2", "learning"))]
    code, out, err = run(
        cache, "recipes.lr_finder", "recipe=lora", *own, "low=1e-3", "high=0.05",
        "steps=80",
        f"log_path={tmp_path}",
    )  # fmt: skip
    assert code == 0, err
    found = json.loads((tmp_path / "lr_finder.json").read_text())
    assert 1e-3 < found["suggestion"] < 0.03
    assert len(found["values"]) == 6
    assert len(found["rates"]) == len(rows(tmp_path)) <= 80
    assert f"suggestion  {found['suggestion']:.3g}" in out
    assert (tmp_path / "lr_finder.png").exists()

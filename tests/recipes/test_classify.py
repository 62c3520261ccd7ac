"""`classify` for real, small: it learns, the best model is kept, and a stopped run goes on."""

import json
import random
import signal
from pathlib import Path

import pytest

from tests.end_to_end.harness import wait_for
from tests.recipes import helpers
from tests.recipes.helpers import curve, rows, start, start_alone

# torch loads slowly where eight others compute: the times are only there to end what hangs.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

STEPS = 40


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory as the hub has them, with a head for three classes that is not wanted here."""
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    from recipes import tiny_bert

    place = tmp_path_factory.mktemp("model")
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=tiny_bert.kmers(), model_max_length=64, pad_token="[PAD]"
    )
    tokenizer.save_pretrained(place)
    config = BertConfig(
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=64, num_labels=3,
    )  # fmt: skip
    BertForSequenceClassification(config).save_pretrained(place)
    return place


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """DNA with more or with fewer G and C."""
    draw = random.Random(0)
    lines = ["sequence,island"]
    for number in range(400):
        letters = "ACGTAT" if number % 2 else "ACGTGC"
        lines.append("".join(draw.choices(letters, k=draw.randint(40, 90))) + f",{1 - number % 2}")
    file = tmp_path_factory.mktemp("data") / "dna.csv"
    file.write_text("\n".join(lines) + "\n")
    return file


@pytest.fixture(scope="module")
def arguments(data: Path) -> list[str]:
    return [
        f"data={data}", "text_column=sequence", "label_column=island", "learning_rate=0.01",
        f"max_steps={STEPS}", "batch_size=16", "eval_steps=10", "metric=roc_auc",
        "early_stopping_patience=0", "adam_beta2=0.99", "eval_fraction=0.25",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def runs(
    cache: Path, model: Path, arguments: list[str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path, str]:
    """A run to its end, one that was stopped and goes on, and what the first one printed."""
    whole, stopped = tmp_path_factory.mktemp("whole"), tmp_path_factory.mktemp("stopped")
    told = [*arguments, f"model={model}"]
    one = start_alone(cache, "recipes.classify", *told, f"log_path={whole}")
    other = start(cache, "recipes.classify", *told, f"log_path={stopped}")
    metrics = stopped / "metrics.jsonl"
    wait_for(
        lambda: (
            other.poll() is not None
            or (metrics.exists() and metrics.read_bytes().count(b"\n") >= 5)
        ),
        timeout=280,
    )
    other.send_signal(signal.SIGTERM)
    code, out, err = helpers.finish(other, 280)
    assert code == 143, err
    done = max(row["step"] for row in rows(stopped))
    assert f"saved after step {done}" in out
    again = start(cache, "recipes.classify", *told, f"log_path={stopped}")
    code, printed, err = helpers.finish(one, 280)
    assert code == 0, err
    code, out, err = helpers.finish(again, 280)
    assert code == 0, err
    assert f"going on from checkpoint-{done}" in out
    return whole, stopped, printed


def test_the_loss_falls_and_the_scores_rise(runs: tuple[Path, Path, str]) -> None:
    found = curve(runs[0])
    assert list(found) == list(range(1, STEPS + 1))
    losses = [row["train_loss"] for row in found.values()]
    assert sum(losses[-5:]) < 0.8 * sum(losses[:5])
    judged = [found[step] for step in (10, 20, 30, 40)]
    for name in ("accuracy", "f1", "precision", "recall", "roc_auc"):
        assert 0.7 < judged[-1][f"eval_{name}"] <= 1
    assert judged[-1]["eval_loss"] < judged[0]["eval_loss"]
    assert found[STEPS]["progress"] == 1.0
    assert "classes 0, 1 (positive: 1), 300 examples to learn from, 100 held out" in runs[2]


def test_a_stopped_run_goes_on_as_if_it_had_not_been(runs: tuple[Path, Path, str]) -> None:
    whole, stopped, _ = runs
    assert curve(stopped) == curve(whole)


def test_the_kept_model_scores_the_best_value_that_was_reported(
    runs: tuple[Path, Path, str], arguments: list[str]
) -> None:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    from recipes import classify
    from recipes.class_scores import scores
    from recipes.training_args import parse_with_training

    config, _ = parse_with_training(classify.Config, arguments)
    task = classify.read(config, *classify.data_files(config), evaluates=True)
    kept = runs[0] / "model"
    model = AutoModelForSequenceClassification.from_pretrained(kept).eval()
    tokenizer = AutoTokenizer.from_pretrained(kept)
    assert model.config.id2label == {0: "0", 1: "1"}
    rows_ = classify.encoded(task.judge, tokenizer, task.classes, 64)
    batch = dict(classify.padding(tokenizer)(rows_))
    with torch.no_grad():
        found = scores(model(**batch).logits, batch["labels"])
    reported = [row["eval_roc_auc"] for row in rows(runs[0]) if "eval_roc_auc" in row]
    assert found["roc_auc"] == pytest.approx(max(reported), abs=1e-4)
    assert f"best eval_roc_auc {max(reported):.6f}" in runs[2]


def test_the_finder_trains_the_embedded_dna_model_and_leaves_a_suggestion(
    cache: Path, arguments: list[str], tmp_path: Path
) -> None:
    own = [one for one in arguments if not one.startswith(("max_steps", "adam_beta2", "learning"))]
    finder = start(
        cache, "recipes.lr_finder", "recipe=classify", "model=embedded/dna", *own, "high=0.03",
        "low=1e-4", "steps=50", f"log_path={tmp_path}",
    )  # fmt: skip
    code, out, err = helpers.finish(finder, 280)
    assert code == 0, err
    found = json.loads((tmp_path / "lr_finder.json").read_text())
    assert 1e-4 < found["suggestion"] < 0.03
    assert f"suggestion  {found['suggestion']:.3g}" in out

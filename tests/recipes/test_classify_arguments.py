"""What `classify` does with its arguments, its metric and any model before it trains."""

import json
from pathlib import Path
from typing import Any

import pytest

from recipes import classify, tiny_bert
from recipes.labelled import Labelled
from recipes.training_args import parse_with_training

pytestmark = pytest.mark.slow  # imports torch and transformers


@pytest.fixture(autouse=True)
def no_sweep(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TUISWP_METRICS", str(tmp_path / "metrics.jsonl"))  # the recipe would set it
    for name in ("TUISWP_METRIC", "TUISWP_GOAL", "TUISWP_TRIAL_DIR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    file = tmp_path / "data.csv"
    file.write_text("text,label\n" + "some text,a\nother text,b\n" * 10)
    return file


def refused(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    """What `classify` says to arguments it leaves with exit code 2 for."""
    with pytest.raises(SystemExit) as left:
        classify.main(list(argv))
    assert left.value.code == 2
    shown = capsys.readouterr().err
    assert len(shown.splitlines()) == 1
    return shown


@pytest.mark.parametrize(
    ("token", "said"),
    [
        ("text_colum=x", "unknown parameter 'text_colum'; did you mean 'text_column'?"),
        ("adam_beta3=0.9", "did you mean 'adam_beta"),
        ("metric_for_best_model=eval_f1", "metric_for_best_model is managed by the recipe"),
        ("output_dir=x", "output_dir is managed by the recipe: give log_path=DIR"),
        ("metric=roc_auk", "metric 'eval_roc_auk' is none of an evaluation; did you mean 'eval_ro"),
        ("metric=eval/f2", "There are: eval_loss, eval_accuracy"),
        ("eval_fraction=0", "no eval data, and early stopping needs it"),
        ("positive_label=c", "positive_label='c' is not one of two classes; there are: a, b"),
        ("label_column=tag", "data.csv:1: no column tag: 'text,label'"),
        ("eval_data=/nowhere.csv", "/nowhere.csv: No such file"),
        ("data=/nowhere.csv", "/nowhere.csv: No such file"),
        ("model=embedded/rna", "model='embedded/rna' is none; there are: embedded/text"),
        ("model=/nowhere", "model='/nowhere' cannot be loaded: there is no such directory"),
    ],
)
def test_a_wrong_argument_is_one_line(
    token: str, said: str, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said in refused(capsys, f"data={data}", token, f"log_path={tmp_path / 'run'}")


def test_the_dna_model_wants_data_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    shown = refused(capsys, "model=embedded/dna", "log_path=/tmp")
    assert "model=embedded/dna needs data=FILE" in shown


def test_a_model_that_cannot_classify_is_one_line(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / "config.json").write_text('{"model_type": "bert"')
    shown = refused(capsys, f"data={data}", f"model={model}", f"log_path={tmp_path / 'run'}")
    assert f"model={str(model)!r} cannot be loaded: " in shown


def test_a_sweep_that_decides_by_an_evaluation_needs_data_for_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUISWP_METRIC", "eval/roc_auc")
    shown = refused(capsys, "eval_fraction=0", "early_stopping_patience=0", "log_path=/tmp")
    assert "the sweep decides by eval/roc_auc" in shown
    monkeypatch.setenv("TUISWP_METRIC", "eval/auc")
    assert "did you mean 'eval_roc_auc'?" in refused(capsys, "log_path=/tmp")


def test_the_metric_that_chooses_the_trial_chooses_the_checkpoint(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def judged_by(*argv: str) -> tuple[str, bool]:
        return classify.judged_by(parse_with_training(classify.Config, argv)[0])

    assert judged_by() == ("eval_loss", False)
    assert judged_by("metric=f1") == ("eval_f1", True)
    for name in ("eval/roc_auc", "eval_roc_auc"):
        monkeypatch.setenv("TUISWP_METRIC", name)
        assert judged_by() == ("eval_roc_auc", True)
    monkeypatch.setenv("TUISWP_GOAL", "minimize")  # the goal of the sweep decides
    assert judged_by() == ("eval_roc_auc", False)
    assert judged_by("metric=accuracy") == ("eval_accuracy", True)
    monkeypatch.setenv("TUISWP_METRIC", "train_loss")
    assert judged_by() == ("eval_loss", False)
    best = tmp_path / "best.json"
    best.write_text('{"learning_rate": 0.1, "metric_for_best_model": "eval_f1"}')
    assert judged_by(f"best_config={best}") == ("eval_f1", True)
    assert judged_by(f"best_config={best}", "metric=loss") == ("eval_loss", False)


def test_the_positive_label_is_the_last_or_the_one_that_is_named(data: Path) -> None:
    for argv, classes in (([], ["a", "b"]), (["positive_label=a"], ["b", "a"])):
        config, _ = parse_with_training(classify.Config, argv)
        assert classify.read(config, data, None, evaluates=True).classes == classes


def test_a_long_file_to_judge_by_is_cut_in_every_class_alike(data: Path, tmp_path: Path) -> None:
    judge = tmp_path / "judge.jsonl"
    lines = [{"text": "some text", "label": label} for label in "a" * 30 + "b" * 30]
    judge.write_text("".join(json.dumps(line) + "\n" for line in lines))
    config = classify.Config(max_eval_examples=20)
    task = classify.read(config, data, judge, evaluates=True)
    assert len(task.learn) == 20
    assert sorted(one.label for one in task.judge) == ["a"] * 10 + ["b"] * 10


def test_the_text_model_is_made_of_the_words_there_are(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(tiny_bert, "sources", lambda: iter(["return the value of value"]))
    path = tiny_bert.path_of("")
    config = classify.Config(max_length=8)
    model, tokenizer = classify.new_model(config, path, ["a", "b", "c"])
    found = classify.encoded(
        [Labelled("return the Wert of every value, now", "c", "f:1")],
        tokenizer,
        ["a", "b", "c"],
        classify.longest(config, model, tokenizer),
    )
    assert tokenizer.convert_ids_to_tokens(found[0]["input_ids"]) == [
        "[CLS]", "return", "the", "W", "##e", "##r", "##t", "[SEP]",
    ]  # fmt: skip
    assert found[0]["labels"] == 2
    assert model(**_batch(found, tokenizer)).logits.shape == (1, 3)
    assert tiny_bert.path_of("embedded/text") == path
    same, _ = classify.new_model(config, path, ["a", "b", "c"])
    assert bool((same.classifier.weight == model.classifier.weight).all())


def _batch(found: list[dict[str, Any]], tokenizer: Any) -> dict[str, Any]:
    return dict(classify.padding(tokenizer)(found))


def test_a_model_that_continues_text_gets_a_head_and_something_to_pad_with(tmp_path: Path) -> None:
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1}
    model = LlamaForCausalLM(LlamaConfig(vocab_size=200, num_attention_heads=2, **sizes))
    model.save_pretrained(tmp_path)
    kmers = PreTrainedTokenizerFast(tokenizer_object=tiny_bert.kmers(), eos_token="[SEP]")
    kmers.save_pretrained(tmp_path)
    model, tokenizer = classify.new_model(classify.Config(), str(tmp_path), ["0", "1"])
    assert tokenizer.pad_token == "[SEP]"
    rows = [Labelled("ACGTAC", "0", "f:1"), Labelled("AC", "1", "f:2")]
    batch = _batch(classify.encoded(rows, tokenizer, ["0", "1"], 9), tokenizer)
    assert model(**batch).logits.shape == (2, 2)

"""What `lora` does with its arguments, its data and a model's layers before it trains."""

import json
from pathlib import Path
from typing import Any

import pytest

from recipes import lora
from recipes.pairs import Example, held_out
from recipes.run_directory import claim, sums
from recipes.trainer_config import training_arguments
from recipes.training_args import parse_with_training

pytestmark = pytest.mark.slow  # imports torch and transformers


@pytest.fixture(autouse=True)
def metrics(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TUISWP_METRICS", str(tmp_path / "metrics.jsonl"))  # the recipe would set it


def refused(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    """What `lora` says to arguments it leaves with exit code 2 for."""
    with pytest.raises(SystemExit) as left:
        lora.main(list(argv))
    assert left.value.code == 2
    return capsys.readouterr().err


def test_own_arguments_and_any_of_trainers_are_told_apart() -> None:
    config, extra = parse_with_training(
        lora.Config,
        [
            "epochs=2", "batch_size=4", "--adam_beta2=0.95", "dataloader_num_workers=0",
            "warmup_steps=5", 'lr_scheduler_kwargs={"num_cycles": 1}', "optim=adamw_torch",
            'training_args={"max_grad_norm": 0.5, "gradient_checkpointing": true}',
        ],
    )  # fmt: skip
    assert (config.num_train_epochs, config.per_device_train_batch_size) == (2.0, 4)
    assert config.max_grad_norm == 0.5
    assert extra == {
        "adam_beta2": 0.95, "dataloader_num_workers": 0, "warmup_steps": 5.0,
        "lr_scheduler_kwargs": {"num_cycles": 1}, "optim": "adamw_torch",
        "gradient_checkpointing": True,
    }  # fmt: skip


def test_what_a_sweep_found_best_is_taken_with_any_of_trainers_fields(tmp_path: Path) -> None:
    best = tmp_path / "best.json"
    found = {
        "learning_rate": 3e-4, "batch_size": 4, "adam_beta2": 0.95, "max_steps": 80,
        "training_args": {"gradient_checkpointing": True}, "metric_for_best_model": "eval_loss",
        "greater_is_better": False, "optimization_metric": {"name": "eval/loss"},
    }  # fmt: skip
    best.write_text(json.dumps(found))
    config, extra = parse_with_training(lora.Config, ["batch_size=2", f"best_config={best}"])
    assert (config.learning_rate, config.per_device_train_batch_size) == (3e-4, 2)
    assert config.max_steps == 80
    assert extra == {"adam_beta2": 0.95, "gradient_checkpointing": True}
    # The full training is longer than a trial was.
    config, _ = parse_with_training(lora.Config, [f"--best_config={best}", "epochs=3"])
    assert (config.max_steps, config.num_train_epochs) == (0, 3.0)


@pytest.mark.parametrize(
    ("token", "said"),
    [
        ("best_config=/nowhere/best.json", "cannot be read: No such file"),
        ("lora_rnk=8", "unknown parameter 'lora_rnk'; did you mean 'lora_rank'?"),
        ("adam_beta3=0.9", "did you mean 'adam_beta"),
        ("warmup_step=3", "did you mean 'warmup_steps'?"),
        ("adam_beta2=high", "adam_beta2='high' is not a finite number"),
        ("fp16=maybe", "fp16='maybe' is not true or false"),
        ("training_args=[1]", "is no JSON object"),
        ('training_args={"output_dir": "x"}', "output_dir is managed by the recipe"),
        ("output_dir=x", "output_dir is managed by the recipe: give log_path=DIR"),
        ("report_to=wandb", "report_to is managed"),
        ("load_best_model_at_end=true", "load_best_model_at_end is managed"),
        ("metric_for_best_model=loss", "metric_for_best_model is managed"),
        ("greater_is_better=true", "greater_is_better is managed"),
        ("lora_rank=0", "lora_rank=0 is below 1"),
        ("lora_dropout=1", "lora_dropout=1.0 must be in 0..1"),
        ("bf16=perhaps", "bf16='perhaps' is not auto, true or false"),
        ("eval_fraction=0", "no eval data, and early stopping needs it"),
        ("eval_strategy=no", "no eval data"),
        ("model=some/unknown-model", "learning_rate= is missing: no learning rate was fitted"),
    ],
)
def test_a_wrong_argument_is_one_line(
    token: str, said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    shown = refused(capsys, token, f"log_path={tmp_path}")
    assert said in shown
    assert len(shown.splitlines()) == 1


def test_two_lengths_of_a_run_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert "give one" in refused(capsys, "epochs=1", "max_steps=3")


def test_a_sweep_that_decides_by_an_evaluation_needs_data_for_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUISWP_METRIC", "eval/loss")
    shown = refused(capsys, "eval_fraction=0", "early_stopping_patience=0")
    assert "the sweep decides by eval/loss" in shown


def test_a_model_path_that_is_none_is_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    data = tmp_path / "pairs.jsonl"
    data.write_text('{"prompt": "a", "completion": "b"}\n' * 9)
    common = ("learning_rate=1e-3", f"data={data}")
    nowhere = tmp_path / "nowhere"
    shown = refused(capsys, *common, f"model={nowhere}", f"log_path={tmp_path / 'a'}")
    assert f"model={str(nowhere)!r} cannot be loaded: there is no such directory" in shown
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text('{"model_type": "llama"')
    shown = refused(capsys, *common, f"model={tmp_path / 'model'}", f"log_path={tmp_path / 'b'}")
    assert "cannot be loaded: " in shown
    assert len(shown.splitlines()) == 1


def test_target_modules_that_match_nothing_are_told_with_what_there_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    from recipes.models import with_lora

    with pytest.raises(SystemExit) as left:
        with_lora(tiny(), 2, 4.0, 0.0, "q_prj,v_proj")
    assert left.value.code == 2
    shown = capsys.readouterr().err
    assert "target_modules=q_prj matches no layer of the model; it has: " in shown
    assert "q_proj" in shown
    adapted = with_lora(tiny(), 2, 4.0, 0.0, "self_attn.q_proj, v_proj")
    names = {name for name, p in adapted.named_parameters() if p.requires_grad}
    assert len(names) == 4
    assert all("q_proj" in name or "v_proj" in name for name in names)


def tiny() -> Any:
    from transformers import LlamaConfig, LlamaForCausalLM

    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1}
    return LlamaForCausalLM(LlamaConfig(vocab_size=32, num_attention_heads=2, **sizes))


def test_the_first_line_with_missing_columns_is_quoted(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    from recipes.pairs import load_examples

    file = tmp_path / "data.jsonl"
    file.write_text('{"prompt": "a", "completion": "b"}\n{"prompt": "a", "answer": "b"}\n')

    class Bytes:
        bos_token_id = eos_token_id = chat_template = None

        def __call__(self, text: str, **_: bool) -> Any:
            return type("Ids", (), {"input_ids": list(text.encode())})

    with pytest.raises(SystemExit) as left:
        load_examples(file, Bytes(), 10)
    assert left.value.code == 2
    shown = capsys.readouterr().err
    assert "data.jsonl:2: expected prompt and completion as text" in shown
    assert '"answer": "b"' in shown


def test_what_is_held_out_is_the_same_for_every_seed_and_is_not_learnt() -> None:
    found = [Example([i, i], 1, 1) for i in range(40)]
    learn, judge = held_out(found, 0.25, 100)
    assert (len(learn), len(judge)) == (30, 10)
    assert not {e.ids[0] for e in learn} & {e.ids[0] for e in judge}
    assert held_out(found, 0.25, 100) == (learn, judge)
    assert len(held_out(found, 0.25, 3)[1]) == 3
    assert held_out(found, 0.0, 3) == (found, [])


def test_too_few_examples_to_hold_any_out_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        held_out([Example([1, 1], 1, 1)], 0.5, 9)
    assert "too few to hold 1 out" in capsys.readouterr().err


def test_warm_up_and_alpha_reach_trainer_as_they_were_meant() -> None:
    given = training_arguments(
        lora.Config(learning_rate=1e-3, warmup_ratio=0.1, lr_scheduler_type="constant"), {}
    )
    assert given["warmup_steps"] == 0.1
    assert given["lr_scheduler_type"] == "constant_with_warmup"
    assert training_arguments(lora.Config(), {"warmup_steps": 7})["warmup_steps"] == 7
    assert lora.Config(lora_rank=8).alpha == 16
    assert lora.Config(lora_rank=8, lora_alpha=3).alpha == 3


def test_fields_that_do_not_go_together_are_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    from recipes import hf_training

    with pytest.raises(SystemExit) as left:
        hf_training.arguments(tmp_path, {"lr_scheduler_type": "cosin"}, judged_by="eval_loss")
    assert left.value.code == 2
    assert "TrainingArguments: cosin is not a valid SchedulerType" in capsys.readouterr().err


def test_a_checkpoint_that_was_cut_is_not_gone_on_from(tmp_path: Path) -> None:
    from recipes import hf_training

    for step, text in ((10, '{"global_step": 10}'), (20, '{"global_'), (9, '{"global_step": 9}')):
        place = tmp_path / f"checkpoint-{step}"
        place.mkdir()
        (place / "trainer_state.json").write_text(text)
    (tmp_path / "checkpoint-30").mkdir()
    newest = hf_training.newest_checkpoint(tmp_path)
    assert newest is not None
    assert newest.name == "checkpoint-10"


def test_other_data_behind_the_same_name_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    data = tmp_path / "data.jsonl"
    data.write_text("a")
    claim(tmp_path, sums({"data": data, "eval_data": None}))
    (tmp_path / "metrics.jsonl").write_text('{"step": 1}\n')
    data.write_text("b")
    with pytest.raises(SystemExit):
        claim(tmp_path, sums({"data": data, "eval_data": None}))
    assert "data_sha256" in capsys.readouterr().err
    assert "data_sha256" in json.loads((tmp_path / "config.json").read_text())

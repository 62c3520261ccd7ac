"""What `sl_loop` does before it needs torch: data, batches, directory. No model is loaded."""

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ruamel.yaml import YAML

from recipes import sl_loop
from recipes.hyperparams import get_lr, lr_range
from recipes.pairs import Example, load_examples
from recipes.run_directory import claim, open_to_append
from recipes.sl_loop import Config, batch_at
from tests.recipes.helpers import ROOT


class Bytes:
    """A tokenizer for tests: one token a byte, 256 begins, 257 ends."""

    bos_token_id: int | None = 256
    eos_token_id: int | None = 257
    chat_template: str | None = None

    def __call__(self, text: str, *, add_special_tokens: bool) -> SimpleNamespace:
        assert not add_special_tokens
        return SimpleNamespace(input_ids=list(text.encode()))

    def decode(self, ids: list[int]) -> str:
        return bytes(ids).decode("utf-8", "replace")


def load(tmp_path: Path, *records: Any, tokenizer: Any = None, length: int = 99) -> list[Example]:
    file = tmp_path / "data.jsonl"
    lines = [r if isinstance(r, bytes) else json.dumps(r).encode() for r in records]
    file.write_bytes(b"\n".join(lines))
    return load_examples(file, tokenizer or Bytes(), length)


def text_of(example: Example) -> tuple[bytes, bytes]:
    prompt = bytes(i for i in example.ids[: example.prompt_tokens] if i < 256)
    return prompt, bytes(i for i in example.ids[example.prompt_tokens :] if i < 256)


def test_a_pair_is_begin_prompt_completion_end(tmp_path: Path) -> None:
    assert load(tmp_path, {"prompt": "a", "completion": "bé"}) == [
        Example([256, 97, 98, 0xC3, 0xA9, 257], prompt_tokens=2, completion_bytes=3)
    ]


def test_of_messages_the_last_answer_is_the_completion(tmp_path: Path) -> None:
    messages = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "ho"},
        {"role": "user", "content": "again"},
        {"role": "assistant", "content": "ho ho"},
    ]
    (example,) = load(tmp_path, {"messages": messages})
    assert text_of(example) == (b"user: hi\nassistant: ho\nuser: again\nassistant: ", b"ho ho")


def test_empty_lines_are_skipped_and_other_keys_ignored(tmp_path: Path) -> None:
    assert len(load(tmp_path, b"", {"prompt": "a", "completion": "b", "id": 1}, b"  ")) == 1


def test_what_is_too_long_is_cut_at_the_end_and_gets_no_end_token(tmp_path: Path) -> None:
    (example,) = load(tmp_path, {"prompt": "abc", "completion": "defgh"}, length=6)
    assert example == Example([256, *b"abcde"], prompt_tokens=4, completion_bytes=2)


def test_a_prompt_that_fills_everything_is_left_out_and_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pair = {"prompt": "abcdef", "completion": "g"}
    assert len(load(tmp_path, pair, {"prompt": "a", "completion": "b"}, length=5)) == 1
    assert "1 prompts fill max_length=5" in capsys.readouterr().out


def test_without_prompt_and_begin_token_the_first_token_is_not_scored(tmp_path: Path) -> None:
    tokenizer = Bytes()
    tokenizer.bos_token_id = None
    (example,) = load(tmp_path, {"prompt": "", "completion": "ab"}, tokenizer=tokenizer)
    assert example.prompt_tokens == 1


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"{not json", "Expecting property name"),
        (b"[1, 2]", "expected prompt and completion as text, or messages"),
        (b'{"prompt": 1, "completion": "x"}', "expected prompt and completion as text"),
        (b'{"prompt": "x", "completion": ""}', "the completion is empty"),
        (b'{"messages": [{"role": "user", "content": "x"}]}', "ends with the assistant's text"),
        (b'{"messages": [1, {"role": "assistant", "content": "x"}]}', "is not an object"),
        (b'{"messages": [{}, {"role": "assistant", "content": "x"}]}', "role and content"),
        (b'{"prompt": "\\ud83d", "completion": "x"}', "surrogates not allowed"),
        (b"\xff\xfe\x1b]0;x\x07", "invalid start byte"),
        (b"[" * 100_000, "recursion"),
    ],
)
def test_the_first_bad_line_is_quoted_with_its_number(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], line: bytes, said: str
) -> None:
    with pytest.raises(SystemExit) as left:
        load(tmp_path, {"prompt": "a", "completion": "b"}, line, b"also bad")
    assert left.value.code == 2
    shown = capsys.readouterr().err
    assert "data.jsonl:2: " in shown
    assert said in shown
    assert repr(line[:120]) in shown  # control bytes escaped, never raw
    assert "also bad" not in shown


def test_a_chat_template_that_refuses_is_the_fault_of_the_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class Strict(Bytes):
        chat_template = "strict"

        def apply_chat_template(self, messages: list[Any], **how: bool) -> str:
            raise RuntimeError("roles must alternate")

    with pytest.raises(SystemExit):
        load(
            tmp_path,
            {"messages": [{"role": "assistant", "content": "x"}]},
            tokenizer=Strict(),
        )
    assert "data.jsonl:1: the model's chat template refuses it (roles" in capsys.readouterr().err


def test_a_file_with_nothing_to_learn_from_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        load(tmp_path, b"")
    assert "no line with a completion" in capsys.readouterr().err


def test_each_pass_over_the_data_sees_every_example_once_in_its_own_order() -> None:
    examples = [Example([i, i], 1, 1) for i in range(10)]
    config = Config(batch_size=4, seed=3)
    seen = [e.ids[0] for step in range(5) for e in batch_at(step, examples, config)]
    assert sorted(seen[:10]) == sorted(seen[10:]) == list(range(10))
    assert seen[:10] != seen[10:]


def test_a_batch_depends_on_seed_and_step_alone() -> None:
    examples = [Example([i, i], 1, 1) for i in range(100)]
    seventh = batch_at(7, examples, Config(seed=1))
    batch_at(3, examples, Config(seed=1))
    assert batch_at(7, examples, Config(seed=1)) == seventh
    assert batch_at(7, examples, Config(seed=2)) != seventh


def test_another_configuration_is_refused_and_the_changed_keys_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    claim(tmp_path, asdict(Config(log_path="a")))
    before = (tmp_path / "config.json").read_text()
    (tmp_path / "metrics.jsonl").write_text('{"step": 0}\n')
    claim(tmp_path, asdict(Config(log_path="moved")))
    with pytest.raises(SystemExit) as left:
        claim(tmp_path, asdict(Config(log_path="a", learning_rate=0.1, seed=5)))
    assert left.value.code == 2
    shown = capsys.readouterr().err
    assert "learning_rate 0.0043 → 0.1, seed 0 → 5" in shown
    assert (tmp_path / "config.json").read_text() == before


def test_a_run_that_never_trained_may_be_configured_anew(tmp_path: Path) -> None:
    claim(tmp_path, asdict(Config(seed=1)))
    (tmp_path / "metrics.jsonl").touch()
    claim(tmp_path, asdict(Config(seed=2)))
    assert json.loads((tmp_path / "config.json").read_text())["seed"] == 2


def test_metrics_of_something_else_are_not_touched(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_text('{"loss": 1}\n')
    with pytest.raises(SystemExit):
        claim(tmp_path, asdict(Config()))
    assert (tmp_path / "metrics.jsonl").read_text() == '{"loss": 1}\n'


@pytest.mark.parametrize(
    ("found", "left"),
    [(b"", b"new\n"), (b"whole\n", b"whole\nnew\n"), (b'{"st', b'{"st\nnew\n')],
)
def test_a_line_cut_by_a_crash_does_not_swallow_the_next(
    tmp_path: Path, found: bytes, left: bytes
) -> None:
    file = tmp_path / "metrics.jsonl"
    file.write_bytes(found)
    with open_to_append(file) as handle:
        handle.write("new\n")
    assert file.read_bytes() == left


@pytest.mark.parametrize(
    ("token", "said"),
    [
        ("batch_size=0", "batch_size=0 is below 1"),
        ("learning_rate=0", "must be above 0"),
        ("lora_dropout=1", "must be in 0..1"),
        ("seed=1", "log_path=DIR is missing"),
    ],
)
def test_an_impossible_configuration_is_refused_at_once(
    token: str, said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TUISWP_TRIAL_DIR", raising=False)
    with pytest.raises(SystemExit) as left:
        sl_loop.main([token])
    assert left.value.code == 2
    assert said in capsys.readouterr().err


def test_data_that_is_not_there_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        sl_loop.main([f"log_path={tmp_path}", "model=some/model", "data=nowhere.jsonl"])
    assert left.value.code == 2
    assert "nowhere.jsonl: No such file" in capsys.readouterr().err


def test_without_the_libraries_it_says_what_to_install(tmp_path: Path) -> None:
    bare = [sys.executable, "-S", "-m", "recipes.sl_loop", f"log_path={tmp_path / 'log'}"]
    done = subprocess.run(bare, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert "torch, transformers, peft; pip install 'tuiswp[recipes]'" in done.stderr


def test_the_sweep_file_sweeps_the_range_around_the_default() -> None:
    sweep = YAML(typ="safe", pure=True).load((ROOT / "recipes" / "lr_sweep.yaml").read_text())
    default = sweep["tuiswp"]["baseline"]["learning_rate"]
    assert f"{default:.1e}" == f"{get_lr(''):.1e}"
    assert sweep["parameters"]["learning_rate"]["values"] == lr_range(default)
    assert set(sweep["parameters"]) <= set(Config.__dataclass_fields__)

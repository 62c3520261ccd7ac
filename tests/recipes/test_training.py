"""Real training, small: the base and the loop as commands, stopped, killed and started again."""

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from recipes.base_model import Base, cache_name
from tests.recipes.helpers import (
    MICRO,
    ROOT,
    environment,
    finish,
    rows,
    run,
    start,
    start_alone,
    stitched,
)
from tests.recipes.preloaded import Command

pytestmark = pytest.mark.slow

PAIRS = [
    {"prompt": f"{a} plus {b} is", "completion": f" {a + b}, said the {who}"}
    for a in range(8)
    for b in range(8)
    for who in ("cat", "dog")
]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def base(cache: Path) -> Path:
    """A base small enough to train in a second, built by two processes that start together."""
    both = [start_alone(cache, "recipes.base_model", *MICRO) for _ in range(2)]
    (code_a, out_a, err_a), (code_b, out_b, err_b) = (finish(process) for process in both)
    assert (code_a, code_b) == (0, 0), err_a + err_b
    assert (out_a + out_b).count("training the embedded base model") == 1
    places = {out.splitlines()[-1] for out in (out_a, out_b)}
    assert len(places) == 1
    return Path(places.pop())


@pytest.fixture(scope="module")
def arguments(base: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    data = tmp_path_factory.mktemp("data") / "pairs.jsonl"
    data.write_text("".join(json.dumps(pair) + "\n" for pair in PAIRS))
    return [
        f"model={base}",
        f"data={data}",
        "learning_rate=0.01",
        "max_steps=150",
        "lora_dropout=0.05",  # so that a resumed run needs the random numbers too
        "save_every=30",
    ]


@pytest.fixture(scope="module")
def uninterrupted(
    cache: Path, arguments: list[str], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    directory = tmp_path_factory.mktemp("uninterrupted")
    command = ("recipes.sl_loop", *arguments, f"log_path={directory}")
    code, _, err = finish(start_alone(cache, *command))
    assert code == 0, err
    return directory


def test_every_step_leaves_a_row_and_the_loss_falls(uninterrupted: Path) -> None:
    found = rows(uninterrupted)
    assert [row["step"] for row in found] == list(range(150))
    assert found[0]["learning_rate"] == 0.01
    assert found[75]["learning_rate"] == pytest.approx(0.005)
    assert found[-1]["progress"] == 1.0
    assert {row["num_sequences"] for row in found} == {16}
    assert all(row["grad_norm"] > 0 and row["time_total"] > 0 for row in found)
    first, last = (
        sum(r["train_mean_nll"] for r in part) / 10 for part in (found[:10], found[-10:])
    )
    assert last < first - 0.2
    # The end token is scored and has no byte, so bits a byte are a little above nats / ln 2.
    assert found[0]["train_mean_bpb"] > found[0]["train_mean_nll"] / 0.6932


def test_config_and_adapter_are_left_behind(uninterrupted: Path) -> None:
    config = json.loads((uninterrupted / "config.json").read_text())
    assert config["learning_rate"] == 0.01
    assert config["max_steps"] == 150
    adapter = json.loads((uninterrupted / "adapter" / "adapter_config.json").read_text())
    assert adapter["r"] == 32


def test_a_finished_run_says_so(cache: Path, arguments: list[str], uninterrupted: Path) -> None:
    before = (uninterrupted / "metrics.jsonl").read_bytes()
    code, out, err = run(cache, "recipes.sl_loop", *arguments, f"log_path={uninterrupted}")
    assert code == 0, err
    assert "all 150 steps are done" in out
    assert (uninterrupted / "metrics.jsonl").read_bytes() == before


def wait_for_rows(process: Command, directory: Path, count: int) -> None:
    metrics = directory / "metrics.jsonl"
    deadline = time.monotonic() + 60
    while not metrics.exists() or metrics.read_bytes().count(b"\n") < count:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.parametrize(
    ("sent", "code"),
    [(signal.SIGTERM, 143), (signal.SIGKILL, -9)],
    ids=["term", "kill"],
)
def test_a_run_that_was_stopped_goes_on_as_if_it_had_not(
    cache: Path, arguments: list[str], uninterrupted: Path, tmp_path: Path, sent: int, code: int
) -> None:
    command = ("recipes.sl_loop", *arguments, f"log_path={tmp_path}")
    process = start(cache, *command)
    wait_for_rows(process, tmp_path, 40)
    process.send_signal(sent)
    stopped, out, _ = finish(process)
    done = len(rows(tmp_path))
    assert stopped == code
    assert 40 <= done < 150
    if code > 0:
        assert f"saved after step {done}" in out

    code, out, err = run(cache, *command)
    assert code == 0, err
    first = done if stopped > 0 else done - done % 30  # killed: back to the last checkpoint
    assert f"steps {first + 1} to 150" in out
    assert stitched(rows(tmp_path)) == stitched(rows(uninterrupted))


def test_other_data_behind_the_same_name_is_refused(
    cache: Path, arguments: list[str], uninterrupted: Path, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    shutil.copytree(uninterrupted, log)
    data = tmp_path / "data.jsonl"
    data.write_text(json.dumps(PAIRS[0]))
    config = json.loads((log / "config.json").read_text()) | {"data": str(data)}
    (log / "config.json").write_text(json.dumps(config))
    code, _, err = run(cache, "recipes.sl_loop", *arguments, f"data={data}", f"log_path={log}")
    assert code == 2
    assert "its base model or data has changed" in err


def test_a_damaged_checkpoint_is_named(cache: Path, arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "checkpoint.pt").write_bytes(b"PK\x03\x04 not really")
    code, _, err = run(cache, "recipes.sl_loop", *arguments, f"log_path={tmp_path}")
    assert code == 2
    assert "checkpoint.pt cannot be read" in err
    assert "Traceback" not in err


def test_a_model_that_is_none_is_named(cache: Path, arguments: list[str], tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    code, _, err = run(
        cache, "recipes.sl_loop", *arguments, f"model={empty}", f"log_path={tmp_path / 'log'}"
    )
    assert code == 2
    assert f"model={str(empty)!r} cannot be loaded" in err
    assert "Traceback" not in err


# Another family than the base's: GPT-2 layers, a byte-level BPE with begin and end tokens, a chat
# template. Prints the loss transformers itself gives for the two conversations, tokens weighted.
FOREIGN_MODEL = """
import json, sys, torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

place, data = sys.argv[1:]
letters = sorted(pre_tokenizers.ByteLevel.alphabet())
vocabulary = {token: i for i, token in enumerate(["<s>", "</s>", *letters])}
raw = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
raw.decoder = decoders.ByteLevel()
tokenizer = PreTrainedTokenizerFast(tokenizer_object=raw, bos_token="<s>", eos_token="</s>")
tokenizer.chat_template = (
    "<s>{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}"
    "{% if add_generation_prompt %}[assistant]{% endif %}"
)
torch.manual_seed(1)
model = GPT2LMHeadModel(GPT2Config(vocab_size=len(tokenizer), n_embd=32, n_layer=2, n_head=2,
    n_positions=128, bos_token_id=0, eos_token_id=1, resid_pdrop=0, embd_pdrop=0, attn_pdrop=0))
model.save_pretrained(place); tokenizer.save_pretrained(place)
total = count = 0
for line in open(data):
    user, answer = (m["content"] for m in json.loads(line)["messages"])
    prompt = tokenizer(f"<s>[user]{user}[assistant]", add_special_tokens=False).input_ids
    completion = tokenizer(answer, add_special_tokens=False).input_ids + [1]
    labels = [-100] * len(prompt) + completion
    loss = model(input_ids=torch.tensor([prompt + completion]), labels=torch.tensor([labels])).loss
    total += loss.item() * len(completion); count += len(completion)
print(json.dumps([total / count, count]))
"""


def test_the_first_loss_is_what_transformers_gives_for_a_foreign_model(
    cache: Path, tmp_path: Path
) -> None:
    def conversation(question: str, answer: str) -> dict[str, Any]:
        return {
            "messages": [
                {"role": "user", "content": question},
                {"role": "assistant", "content": answer},
            ]
        }

    data = tmp_path / "chat.jsonl"
    talks = [conversation("one?", "Yes."), conversation("and a longer one?", "No: never ☃.")]
    data.write_text("".join(json.dumps(talk) + "\n" for talk in talks))
    model, log = tmp_path / "model", tmp_path / "log"
    made = subprocess.run(
        [sys.executable, "-c", FOREIGN_MODEL, str(model), str(data)],
        capture_output=True,
        text=True,
        env=environment(cache),
        cwd=ROOT,
    )
    assert made.returncode == 0, made.stderr
    expected, tokens = json.loads(made.stdout.splitlines()[-1])
    code, _, err = run(
        cache, "recipes.sl_loop", f"model={model}", f"data={data}", "batch_size=2", "max_steps=0",
        f"log_path={log}",
    )  # fmt: skip
    assert code == 0, err
    (row,) = rows(log)  # two examples, batches of two, once through the data
    assert row["train_mean_nll"] == pytest.approx(expected, rel=1e-5)
    completion_bytes = len("Yes.No: never ☃.".encode())
    assert row["train_mean_bpb"] == pytest.approx(
        expected * tokens / 0.69314718 / completion_bytes, rel=1e-5
    )


def test_without_model_and_data_the_cached_base_learns_docstrings(
    base: Path, tmp_path: Path
) -> None:
    # The real base takes most of a minute: the small one stands in its place.
    place = tmp_path / "tuiswp" / cache_name(Base())
    shutil.copytree(base, place)
    log = tmp_path / "log"
    code, out, err = run(tmp_path, "recipes.sl_loop", "max_steps=2", f"log_path={log}")
    assert code == 0, err
    assert "training the embedded base" not in out
    assert json.loads((log / "config.json").read_text())["model"] == ""
    (file,) = (tmp_path / "tuiswp").glob("pairs-*/pairs.jsonl")
    pairs = [json.loads(line) for line in file.read_text().splitlines()]
    assert len(pairs) > 1000
    assert len({(pair["prompt"], pair["completion"]) for pair in pairs}) == len(pairs)
    assert all(p["prompt"].startswith("def ") and p["prompt"].endswith('"""') for p in pairs)
    assert max(len((p["prompt"] + p["completion"]).encode()) for p in pairs) <= 160
    assert rows(log)[0]["num_tokens"] > 16


def test_a_slow_machine_does_fewer_base_steps_and_says_so(tmp_path: Path) -> None:
    code, out, err = run(tmp_path, "recipes.base_model", *MICRO, "steps=1000000", "seconds=1")
    assert code == 0, err
    assert "remove" in out
    training = json.loads((Path(out.splitlines()[-1]) / "training.json").read_text())
    assert 0 < training["done"]["steps"] < 1_000_000
    assert training["done"]["seconds"] < 5

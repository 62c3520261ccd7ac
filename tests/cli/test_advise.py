"""`tuiswp advise`: what it says of options, a file and this machine, and what it writes."""

from pathlib import Path

import pytest

from tests.cli.conftest import Tuiswp
from tests.hostile import PAYLOADS
from tuiswp.spec.load import load

FILE = """\
method: grid
metric: {name: eval_loss, goal: maximize}
program: train.py
parameters:
  lr: {values: [1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3]}
  opt: {parameters: {weight_decay: {values: [0, 0.01, 0.1]}, beta: {min: 0.8, max: 0.99}}}
  layers: {min: 1, max: 64}
  kind: {values: [adam, "yes", "7"]}
  seed: {values: [0, 1, 2]}
  model: {value: meta-llama/Llama-2-7b-hf}
tuiswp: {baseline: {lr: 2e-4, opt: {weight_decay: 0, beta: 0.9}, layers: 4, kind: "yes", seed: 0}}
"""


def test_it_names_method_trials_waves_hours_and_gpu_hours(tuiswp: Tuiswp) -> None:
    said = tuiswp(
        "advise", "--params", "3", "--gpus", "4", "--minutes-per-trial", "20", "--budget", "24h"
    )
    assert said.code == 0
    for line in (
        "random: 3 parameters", "k^n = 3^3 = 27 grid points", "⌈59 / 4⌉ = 15 waves",
        "15 × 20 min = 5 h", "59 × 20 min = 19.7 GPU-hours", "24 h × 4 GPUs = 96 GPU-hours",
        "from D1, docs/advice.md",
    ):  # fmt: skip
        assert line in said.out


def test_without_anything_it_asks(tuiswp: Tuiswp) -> None:
    said = tuiswp("advise")
    assert said.code == 0
    assert "give --minutes-per-trial to see hours and GPU-hours" in said.out
    assert "give --params lr,rank,… to choose" in said.out


def test_the_gpus_are_those_found_here(tuiswp: Tuiswp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUISWP_GPUS", "sim:3x80")
    found = tuiswp("advise", "--params", "3", "--minutes-per-trial", "60", "--json").json
    assert (found["search"]["waves"], found["search"]["gpu_hours"]) == (20, 59.0)
    said = tuiswp("advise", "--params", "3", "--gpus-per-trial", "4")
    assert "a trial needs 4 GPUs, and 3 GPUs (simulated) cannot give it" in said.out
    assert said.code == 0


def test_json_has_every_advice_with_its_source(tuiswp: Tuiswp) -> None:
    found = tuiswp("advise", "--params", "lr=1e-4,rank=8", "--json").json
    assert found["search"]["method"] == "grid"
    assert found["search"]["points"] == 12
    assert all(one["says"] and one["source"] for one in found["advice"])
    assert {one["give"] for one in found["questions"]} >= {"--minutes-per-trial"}


@pytest.mark.parametrize(
    "words",
    [
        ["--params", "lr=3e-4", "--model-size", "7B", "--lora"],
        ["--params", "lr,rank", "--lora"],
        ["--params", "lr=1e-4,rank=8,dropout=0.1"],
        ["--params", "lr=1e-4,rank=8,dropout=0,warmup_ratio=0.03,wd=0.01,bs=16,opt.eps=1e-8"],
        ["--params", "lr,unheard", "--full", "--model-size", "13B"],
        ["--params", "lr", "--family", "qwen", "--hidden-size", "4096", "--lora"],
        ["--params", "lr=5e-4,rank=16,dropout", "--budget", "5h"],
        ["--params", "yes=4,no=3,true=2.5,1e3=2", "--gpus-per-trial", "1"],
    ],
)
def test_the_file_it_writes_is_checked_and_has_the_trials_it_says(
    tuiswp: Tuiswp, here: Path, words: list[str]
) -> None:
    (here / "train.py").write_text("")
    said = tuiswp("advise", *words, "--write", "s.yaml", "--json")
    assert said.code == 0
    assert tuiswp("check", "s.yaml").code == 0
    search = said.json["search"]
    found = tuiswp("check", "s.yaml", "--json").json
    ready = [axis for axis in search["axes"] if axis["grid"]]
    assert found["method"] == search["method"]
    if len(ready) == len(search["axes"]):
        assert found["trials"] == search["trials"]
    swept = [one["name"] for one in found["parameters"] if one["swept"]]
    assert swept == [axis["name"] for axis in ready]


def test_a_file_written_from_a_file_keeps_what_it_was_about(tuiswp: Tuiswp, here: Path) -> None:
    (here / "train.py").write_text("")
    (here / "a.yaml").write_text(FILE.replace("layers: {min: 1, max: 64}", "layers: {value: 4}", 1)
                                 .replace("{min: 0.8, max: 0.99}", "{value: 0.9}"))  # fmt: skip
    assert tuiswp("check", "a.yaml").code == 0
    said = tuiswp("advise", "a.yaml", "--write", "b.yaml")
    assert said.code == 0
    assert "a.yaml is grid, 163 trials" in said.out
    before, after = load(Path("a.yaml")), load(Path("b.yaml"))
    assert after.method == "random"
    assert after.objective == before.objective
    assert after.run.program == "train.py"
    assert (after.model_size, after.tuning) == (7.0, None)
    kept = {one.name: one.distribution for one in after.parameters}
    assert kept["kind"] == {one.name: one.distribution for one in before.parameters}["kind"]
    assert after.baseline == {
        "lr": 2e-4, "opt": {"weight_decay": 0}, "kind": "yes"
    }  # fmt: skip
    assert {"model", "layers", "opt.beta", "seed"} <= set(kept)


def test_ranges_of_a_file_stay_ranges(tuiswp: Tuiswp, here: Path) -> None:
    (here / "train.py").write_text("")
    (here / "a.yaml").write_text(FILE.replace("method: grid", "method: random\nrun_cap: 30"))
    assert tuiswp("advise", "a.yaml", "--write", "b.yaml").code == 0
    before = {one.name: one for one in load(Path("a.yaml")).parameters}
    after = {one.name: one for one in load(Path("b.yaml")).parameters}
    for name in ("layers", "opt.beta"):
        assert after[name].distribution == before[name].distribution
    assert tuiswp("check", "b.yaml").code == 0


def test_what_a_new_file_does_not_have_is_named_in_it(tuiswp: Tuiswp, here: Path) -> None:
    (here / "train.py").write_text("")
    own = 'tuiswp: {max_parallel: 2, env: {A: "1"}, objective: mean 10, retries: 3, seed: 7, '
    text = FILE.replace("tuiswp: {", own).replace("grid", "random\nrun_cap: 9")
    (here / "a.yaml").write_text(text)
    assert tuiswp("advise", "a.yaml", "--write", "b.yaml").code == 0
    (line,) = [x for x in (here / "b.yaml").read_text().splitlines() if "Not taken" in x]
    assert line == (
        "# Not taken over: metric.target or tuiswp.objective, tuiswp.env, tuiswp.seed, "
        "how GPUs are shared, max_parallel, stagger_s, retries, timeout, grace_s."
    )
    assert tuiswp("advise", "b.yaml", "--write", "c.yaml").code == 0
    assert "Not taken" not in (here / "c.yaml").read_text()


def test_a_file_with_rules_of_its_own_is_not_written_anew(tuiswp: Tuiswp, here: Path) -> None:
    text = FILE.replace("tuiswp: {", 'tuiswp: {exclude: ["lr > 1e-3 and layers > 9"], ')
    (here / "a.yaml").write_text(text.replace("method: grid", "method: random"))
    assert tuiswp("advise", "a.yaml").code == 0
    said = tuiswp("advise", "a.yaml", "--write", "b.yaml")
    assert said.code == 2
    assert "a.yaml: has rules or metrics of its own" in said.err
    assert not (here / "b.yaml").exists()


def test_nothing_is_written_over(tuiswp: Tuiswp, here: Path) -> None:
    (here / "s.yaml").write_text("mine")
    said = tuiswp("advise", "--params", "lr=1e-4", "--write", "s.yaml")
    assert said.code == 2
    assert "s.yaml: exists, and is not written over" in said.err
    assert (here / "s.yaml").read_text() == "mine"
    assert tuiswp("advise", "--params", "lr=1e-4", "--write", "no/such/s.yaml").code == 1


def test_a_file_of_nothing_is_refused_with_what_to_give(tuiswp: Tuiswp, here: Path) -> None:
    said = tuiswp("advise", "--params", "lr", "--write", "s.yaml")
    assert said.code == 2
    assert "--family llama or qwen" in said.err
    assert not (here / "s.yaml").exists()


@pytest.mark.parametrize(
    "words",
    ["--params lr=abc", "--params lr=-1", "--params lr=1e-320", "--params 0", "--params 101",
     "--params ,", "--params lr,lr", "--params =3", "--params x=", "--params x=.nan",
     "--values 1", "--values 1000000000", "--minutes-per-trial 0", "--minutes-per-trial inf",
     "--budget 7", "--budget 0h", "--budget x", "--budget -1gpuh", "--gpus 0", "--gpus 1.5",
     "--model-size 7", "--family mistral", "--hidden-size 0", "--lr 0", "--batch 16",
     "--batch 0:4", "--lora --full", "nowhere.yaml", "--parms 3"],
)  # fmt: skip
def test_a_wrong_call_ends_with_2_and_one_line(tuiswp: Tuiswp, words: str) -> None:
    said = tuiswp("advise", *words.split(" "))
    assert said.code == 2
    assert said.out == ""
    assert len(said.err.splitlines()) == 1


@pytest.mark.parametrize("text", PAYLOADS.values(), ids=PAYLOADS)
def test_hostile_words_are_shown_inert_and_written_safely(
    tuiswp: Tuiswp, here: Path, text: str
) -> None:
    (here / "train.py").write_text("")
    name = text.replace(",", "").replace("=", "").replace("\x00", "")[:150]
    said = tuiswp("advise", "--params", f"lr=1e-4,{name}=3", "--metric", text, "--write", "s.yaml")
    assert "\x1b" not in said.out + said.err
    assert said.out.replace("\n", "").isprintable()
    if said.code == 0:
        checked = tuiswp("check", "s.yaml")
        assert checked.code in (0, 2)  # a name may still be refused, with its line
        assert "\x1b" not in checked.out + checked.err


def test_check_names_it_where_a_grid_is_large(tuiswp: Tuiswp, here: Path) -> None:
    text = "method: grid\nmetric: {name: a}\nparameters:\n  a: {min: 1, max: 50}\n"
    text += '  b: {values: [1, 2, 3]}\ncommand: ["true", "${args}"]\n'
    (here / "s.yaml").write_text(text)
    said = tuiswp("check", "s.yaml").out
    assert "info large-grid: The grid has 50 × 3 = 150 points" in said
    (here / "t.yaml").write_text(text.replace("50", "33"))
    assert "large-grid" not in tuiswp("check", "t.yaml").out

"""argv from tokens and macros: exactly what W&B gives, byte for byte, and no shell."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.spec.helpers import one_fault, read
from tuiswp.errors import SpecError
from tuiswp.model.space import Params
from tuiswp.model.sweep import Sweep
from tuiswp.spec.command import CommandContext, Expansion, default_interpreter, expand

CONTEXT = CommandContext("/s/trials/t0007", "abc", "t0007", environ={"HOME": "/root", "E": ""})
SPACE = """\
method: grid
program: train.py
parameters:
  lr: {values: [1e-4, 0.01]}
  amp: {value: true}
  ema: {value: false}
  opt: {parameters: {b1: {value: 0.9}}}
  layers: {value: [1, 2]}
  tag: {value: null}
"""
PARAMS: Params = {
    "tag": None, "lr": 0.01, "amp": True, "ema": False, "opt": {"b1": 0.9}, "layers": [1, 2],
}  # fmt: skip


def command(*tokens: str) -> Sweep:
    return read(f"{SPACE}command: {json.dumps(tokens)}\n")


def argv(*tokens: str) -> list[str]:
    return list(expand(command(*tokens), PARAMS, CONTEXT).argv)


ARGS = ["lr=0.01", "amp=True", "ema=False", "opt={'b1': 0.9}", "layers=[1, 2]", "tag=None"]


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ("${env}", ["/usr/bin/env"]),
        ("${interpreter}", ["python"]),
        ("${program}", ["train.py"]),
        ("${args}", [f"--{arg}" for arg in ARGS]),
        ("${args_no_hyphens}", ARGS),
        ("${args_append_hydra}", [f"+{arg}" for arg in ARGS]),
        ("${args_override_hydra}", [f"++{arg}" for arg in ARGS]),
        ("${args_no_equals}",
         ["--lr", "0.01", "--amp", "True", "--ema", "False", "--opt", "{'b1': 0.9}",
          "--layers", "[1, 2]", "--tag", "None"]),
        ("${args_no_boolean_flags}",
         ["--lr=0.01", "--amp", "--opt={'b1': 0.9}", "--layers=[1, 2]", "--tag=None"]),
        ("${args_json}",
         ['{"lr": 0.01, "amp": true, "ema": false, "opt": {"b1": 0.9}, "layers": [1, 2], '
          '"tag": null}']),
        ("${args_json_file}", ["/s/trials/t0007/args.json"]),
        ("${args_dict}", []),
        ("${trial_dir}", ["/s/trials/t0007"]),
        ("log_path=${trial_dir}/x", ["log_path=/s/trials/t0007/x"]),
        ("${envvar:HOME}", ["/root"]),
        ("a${envvar:HOME}b${envvar:UNSET}", ["a/rootbUNSET"]),
        ("${envvar:E}", [""]),
        ("${lr}", ["0.01"]),
        ("--x=${lr},${opt.b1}", ["--x=0.01,0.9"]),
        ("pre${args}", ["pre${args}"]),
        ("${hydra:x}y", ["${hydra:x}y"]),
        ("$lr {lr} $(id) `id`", ["$lr {lr} $(id) `id`"]),
    ],
)  # fmt: skip
def test_every_macro_expands_as_in_wandb(token: str, expected: list[str]) -> None:
    assert argv("x", token) == ["x", *expected]


def test_the_default_command_is_wandbs() -> None:
    got = expand(read(SPACE), {"lr": 0.01}, CONTEXT).argv
    assert got == ("/usr/bin/env", "python", "train.py", "--lr=0.01")


def test_the_authors_spelling_reaches_the_command_line() -> None:
    got = expand(read(SPACE), {"lr": 1e-4}, CONTEXT).argv
    assert got[-1] == "--lr=1e-4"
    plain = read(SPACE.replace("1e-4", "0.0001"))
    assert expand(plain, {"lr": 1e-4}, CONTEXT).argv[-1] == "--lr=0.0001"
    assert expand(plain, {"lr": 1e-5}, CONTEXT).argv[-1] == "--lr=1e-05"
    assert expand(plain, {"lr": 1e16}, CONTEXT).argv[-1] == "--lr=1e+16"


def test_parameters_come_in_the_order_of_the_file_whatever_the_dict_says() -> None:
    params: Params = {"zz": 1, "tag": "x", "lr": 2}
    assert expand(read(SPACE), params, CONTEXT).argv[3:] == ("--lr=2", "--tag=x", "--zz=1")


def test_the_json_file_is_written_only_when_asked_for() -> None:
    asked = expand(command("x", "${args_json_file}"), {"lr": 1e-4, "tag": "é"}, CONTEXT)
    assert {path: json.loads(data) for path, data in asked.files.items()} == {
        "/s/trials/t0007/args.json": {"lr": 1e-4, "tag": "é"}
    }
    assert expand(read(SPACE), PARAMS, CONTEXT).files == {}


def test_tokens_are_neither_split_sorted_nor_made_unique() -> None:
    sweep = read(
        SPACE + "command: [run, 16, 64, 0.5, true, null, 1e-3, '--lr=3', 'a b', 🚀, "
        "'${args_no_hyphens}', fit, '--lr=3']\n"
    )
    got = expand(sweep, {"lr": 1}, CONTEXT).argv
    assert got == (
        "run", "16", "64", "0.5", "True", "None", "1e-3", "--lr=3", "a b", "🚀", "lr=1", "fit",
        "--lr=3",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("token", "message"),
    [
        ("${argz}", "unknown macro ${argz}; did you mean args?"),
        ("${trialdir}", "unknown macro ${trialdir}; did you mean trial_dir?"),
        ("${env_vars:HOME}", "unknown macro ${env_vars:HOME}; write ${env} or ${envvar:NAME}"),
        ("${envvar:home}", "its name is made of A-Z, 0-9 and _"),
        ("${learning_rate}", "unknown macro ${learning_rate}; known:"),
        ("${}", "unknown macro ${}"),
        ("${\u202e}", "unknown macro ${⟨202e⟩}"),
    ],
)
def test_an_unknown_macro_is_a_fault_of_its_line(token: str, message: str) -> None:
    text = f"{SPACE}command:\n  - python\n  - {json.dumps(token)}\n"
    line = one_fault(text)
    assert line.startswith("sweep.yaml:12: command: ") and message in line


@pytest.mark.parametrize(
    ("token", "note"),
    [
        ("--x=${lr}", "${lr} is the value of lr (W&B leaves it as it is)"),
        ("${lr}", "${lr} is the value of lr (W&B drops it)"),
        ("--x=${args}", "${args} is expanded only as an argument of its own"),
        ("--x=${trialdir}", "stays as it is; did you mean ${trial_dir}?"),
        ("${args_dict}", "${args_dict} is internal to W&B"),
        ("--epochs 3", "`--epochs 3` is one argument with a space in it"),
        ("plain", "no ${args}: the parameters reach the training by TUISWP_CONFIG"),
    ],
)
def test_what_wandb_does_silently_is_noted(token: str, note: str) -> None:
    assert any(
        f"line 10: command: {note}"[:14] in n and note in n for n in command("x", token).notes
    )


def test_a_command_that_needs_a_program_and_has_none_is_an_error_not_a_crash() -> None:
    sweep = read(SPACE.replace("program: train.py\n", ""))
    with pytest.raises(SpecError, match=r"is missing, and the command needs it; write program:"):
        expand(sweep, PARAMS, CONTEXT)
    with pytest.raises(SpecError, match="expands to nothing"):
        expand(command("${args_dict}"), PARAMS, CONTEXT)


def test_the_interpreter_is_python_where_there_is_one(tmp_path: Path) -> None:
    assert default_interpreter({"PATH": str(tmp_path)}) == sys.executable
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\n")
    python.chmod(0o755)
    assert default_interpreter({"PATH": str(tmp_path)}) == "python"


# ── hostile values ───────────────────────────────────────────────────────────────────────────────

HOSTILE = [
    ";", "a; rm -rf ~", "#(touch /tmp/x)", "$(id)", "`id`", "${HOME}", "${args}", "${lr}", "'\"'",
    "a\nb", "a\r\nb", "\t", "-rf", "--help", "", " ", "\x1b]52;c;eA==\x07", "\u202eabc", "*", "~",
    "é\u0301", "😀", "\\", "%s", "{a: b}", "=", "x" * 20_000, "&&", "|", ">", "\x7f",
]  # fmt: skip


PAIRS = [(value or "e", value) for value in HOSTILE]


def echo(expansion: Expansion) -> list[str]:
    script = "import sys, json; print(json.dumps(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", script, *expansion.argv], capture_output=True, check=True, text=True
    )
    got: list[str] = json.loads(done.stdout)
    return got


def test_hostile_values_and_names_reach_the_program_byte_for_byte() -> None:
    document = {
        "method": "grid",
        "parameters": {name: {"value": value} for name, value in PAIRS},
        "command": ["${args}", "${args_no_equals}", *HOSTILE[:5], "${args_json}"],
    }
    sweep = read(json.dumps(document), shown_as="s.json")
    params: Params = {p.path[0]: getattr(p.distribution, "value", None) for p in sweep.parameters}
    got = echo(expand(sweep, params, CONTEXT))
    count = len(HOSTILE)
    assert got[:count] == [f"--{name}={value}" for name, value in PAIRS]
    assert got[count + 1 : 3 * count : 2] == HOSTILE
    assert got[3 * count : -1] == HOSTILE[:5]
    assert json.loads(got[-1]) == dict(PAIRS)


@settings(deadline=None, max_examples=100)
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=50))
def test_a_text_value_is_never_expanded_split_or_changed(value: str) -> None:
    sweep = read(f"{SPACE}command: ['${{args}}', '${{lr}}', 'a${{lr}}b']\n")
    got = expand(sweep, {"lr": value}, CONTEXT).argv
    assert got == (f"--lr={value}", value, f"a{value}b")


def test_what_does_not_exist_in_a_trial_leaves_no_argument() -> None:
    sweep = read(
        f"{SPACE}  warmup: {{values: [1, 2]}}\n"
        'command: [x, "${args}", "--w=${warmup}", "${warmup}", "${accum}"]\n'
        "tuiswp: {when: {warmup: lr > 0.001}, tie: {accum: 64 * lr}}\n"
    )
    given: Params = {"lr": 0.01, "accum": 0.64}
    assert expand(sweep, given, CONTEXT).argv == ("x", "--lr=0.01", "--accum=0.64", "0.64")
    there: Params = {"lr": 0.01, "warmup": 2}
    assert expand(sweep, there, CONTEXT).argv[-4:] == ("--warmup=2", "--w=2", "2", "${accum}")

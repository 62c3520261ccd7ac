"""The nineteen kinds, how they are inferred, and what is said of every wrong form."""

import math

import pytest

from tests.spec.helpers import faults, one_fault, parameter, read, with_parameter
from tuiswp.model.space import (
    Beta,
    Categorical,
    Constant,
    Distribution,
    IntUniform,
    LogNormal,
    LogUniform,
    Normal,
    Uniform,
)

LN = (math.log(0.001), math.log(0.1))

KINDS: list[tuple[str, str, Distribution]] = [
    ("{value: 3}", "constant", Constant(3)),
    ("{value: {b1: 0.9, b2: {c: 1}}}", "constant", Constant({"b1": 0.9, "b2": {"c": 1}})),
    ("{value: null}", "constant", Constant(None)),
    ("{value: [1, {a: null}]}", "constant", Constant([1, {"a": None}])),
    ("{value: 3, distribution: constant}", "constant", Constant(3)),
    ("{values: [1, a, null, 'None', [1]]}", "categorical",
     Categorical((1, "a", None, "None", [1]))),
    ("{values: [1], distribution: categorical}", "categorical", Categorical((1,))),
    ("{values: [1, 2], probabilities: [0.25, 0.75]}", "categorical_w_probabilities",
     Categorical((1, 2), (0.25, 0.75))),
    ("{min: 1, max: 4}", "int_uniform", IntUniform(1, 4)),
    ("{min: 1, max: 4.0}", "uniform", Uniform(1, 4.0)),
    ("{min: 1, max: 1e1}", "uniform", Uniform(1, 10.0)),
    ("{min: 1, max: 4, distribution: uniform}", "uniform", Uniform(1, 4)),
    ("{min: 1, max: 1e1, distribution: int_uniform}", "int_uniform", IntUniform(1, 10)),
    ("{min: 0, max: 1, distribution: q_uniform}", "q_uniform", Uniform(0, 1, 1.0)),
    ("{min: 0, max: 1, q: 0.1, distribution: q_uniform}", "q_uniform", Uniform(0, 1, 0.1)),
    ("{min: -5, max: 0, distribution: log_uniform}", "log_uniform", LogUniform(-5, 0)),
    ("{min: -5, max: 0, q: 2, distribution: q_log_uniform}", "q_log_uniform",
     LogUniform(-5, 0, 2)),
    ("{min: 0, max: 5, distribution: inv_log_uniform}", "inv_log_uniform",
     LogUniform(-5, 0, None, True)),
    ("{min: 1e-3, max: 1e-1, distribution: log_uniform_values}", "log_uniform_values",
     LogUniform(*LN, None, False, (0.001, 0.1))),
    ("{min: 1e-3, max: 1e-1, distribution: inv_log_uniform_values}", "inv_log_uniform_values",
     LogUniform(*LN, None, True, (0.001, 0.1))),
    ("{min: 1e-3, max: '1e-1', q: 1, distribution: q_log_uniform_values}",
     "q_log_uniform_values", LogUniform(*LN, 1, False, (0.001, 0.1))),
    ("{distribution: normal}", "normal", Normal(0.0, 1.0)),
    ("{distribution: normal, mu: 1e1, sigma: '2'}", "normal", Normal(10.0, 2)),
    ("{distribution: q_normal, q: 5}", "q_normal", Normal(0.0, 1.0, 5)),
    ("{distribution: log_normal, mu: 1}", "log_normal", LogNormal(1, 1.0)),
    ("{distribution: q_log_normal}", "q_log_normal", LogNormal(0.0, 1.0, 1.0)),
    ("{distribution: beta, a: 2, b: 5}", "beta", Beta(2, 5)),
    ("{distribution: q_beta, q: 1}", "q_beta", Beta(1.0, 1.0, 1)),
]  # fmt: skip


@pytest.mark.parametrize(("entry", "kind", "dist"), KINDS)
def test_every_kind_is_read_as_wandb_infers_it(entry: str, kind: str, dist: Distribution) -> None:
    found = parameter(entry)
    assert (found.kind, found.distribution, found.path, found.line) == (kind, dist, ("x",), 4)


WRONG: list[tuple[str, str]] = [
    ("{min: 0.01, max: 0.001}", "min 0.01 is above max 0.001; swap them"),
    ("{min: 1, max: 1}", "min and max are both 1; write value: 1"),
    ("{min: 1}", "max is missing; give both min and max"),
    ("{min: 1, max: null}", ".max: is empty; give both min and max"),
    ("{min: 1, max: high}", '.max: must be a finite number, not the text "high"'),
    ("{min: 1, max: true}", ".max: must be a finite number, not the boolean true"),
    ("{min: 1, max: .inf}", ".max: must be a finite number, not .inf"),
    ("{min: 1, max: 2, q: 1}", "write distribution: q_uniform"),
    ("{min: 1, max: 2, q: 1, distribution: uniform}", ".q: uniform has no q; write distribution"),
    ("{min: 0, max: 1, q: 0, distribution: q_uniform}", ".q: must be above 0, got 0"),
    ("{min: 0.5, max: 2, distribution: int_uniform}", "int_uniform needs whole numbers"),
    ("{min: 0, max: 1, distribution: log_uniform_values}",
     "needs 0 < min < max, got min 0, max 1; use uniform if 0 must be reachable"),
    ("{min: -9, max: -2, distribution: log_uniform_values}",
     "for exponents of e write log_uniform"),
    ("{min: 1, max: 1000, distribution: log_uniform}",
     "e^1000 is not a number; for limits write log_uniform_values"),
    ("{values: 3}", ".values: must be a list, not 3; write value: … for one value"),
    ("{values: null}", ".values: must be a list, not nothing"),
    ("{values: []}", ".values: is an empty list; give at least one value"),
    ("{values: [.nan]}", 'is not a finite number; write "nan" in quotes'),
    ("{values: [1, 2], probabilities: [1]}", "1 probabilities for 2 values; give one for each"),
    ("{values: [1, 2], probabilities: [0.5, 0.6]}", "sum to 1.1, not to 1; divide each by 1.1"),
    ("{values: [1, 2], probabilities: [-1, 2]}", "-1 is negative"),
    ("{values: [1, 2], probabilities: 1}", ".probabilities: must be a list, not 1"),
    ("{values: [1], probabilities: [1], distribution: categorical}",
     "write distribution: categorical_w_probabilities"),
    ("{value: 1, values: [1]}", "does not belong to categorical"),
    ("{distribution: normal, sigma: -1}", ".sigma: must be at least 0, got -1"),
    ("{mu: 0, sigma: 1}", "mu, sigma alone names no distribution; write distribution: normal"),
    ("{a: 1, b: 1}", "a, b alone names no distribution; write distribution: beta"),
    ("{distribution: log_normal, mu: 1000}", "those of ln x"),
    ("{distribution: log_unifrom, min: 1, max: 2}", "did you mean log_uniform?"),
    ("{distribution: null, min: 1, max: 2}", ".distribution: is empty"),
    ("{distribution: uniform}", "uniform needs min; it takes min, max"),
    ("{distribution: constant, values: [1]}", "write distribution: categorical for a list"),
    ("{distribution: uniform, mu: 1, sigma: 2, min: 0, max: 1}",
     ".mu: does not belong to uniform; it takes min, max"),
    ("{vlaues: [1]}", ".vlaues: unknown key; did you mean values?"),
    ("{min: 1, max: 2, foo: 3}", ".foo: unknown key"),
    ("{type: float, log: true, low: 1e-5, high: 1e-1}",
     "write {distribution: log_uniform_values, min: 1e-5, max: 1e-1}"),
    ("{type: float, min: 0, max: 1}", "type is no key of a W&B parameter; write {min: 0, max: 1}"),
    ("{_type: choice, _value: [1]}", "this is NNI's form; write values: […]"),
    ("{min: 0, max: 1, default: 0}", "give the default trial under tuiswp.baseline"),
    ("0.1", "is 0.1, not a mapping; write value: … for a constant"),
    ("[1, 2]", "is a list, not a mapping; write values: […]"),
    ("null", "is nothing, not a mapping"),
    ("{}", "is an empty mapping"),
    ("{lr: {values: [1]}}", "holds parameters without saying so; put a key `parameters:` between"),
    ("{lr: 3}", "nested parameters go under a key `parameters:`"),
    ("{parameters: {}, value: 1}", "a nested group holds `parameters:` alone"),
    ("{parameters: [1]}", ".parameters: must be a mapping, not a list"),
]  # fmt: skip


@pytest.mark.parametrize(("entry", "message"), WRONG)
def test_a_wrong_parameter_names_its_line_and_what_to_write(entry: str, message: str) -> None:
    found = faults(with_parameter(entry))
    assert any(message in line for line in found), found
    assert all(line.startswith("sweep.yaml:4: parameters.x") for line in found)


def test_several_faults_come_together_in_the_order_of_the_file() -> None:
    text = """\
methd: grid
method: random
parameters:
  lr: {min: 0.01, max: 0.001}
  wd: {values: 3}
  ok: {value: 1}
  p: {values: [a], probabilities: [2]}
run_cap: 0
"""
    assert faults(text) == [
        "sweep.yaml:1: methd: unknown key; did you mean method?",
        "sweep.yaml:4: parameters.lr: min 0.01 is above max 0.001; swap them",
        "sweep.yaml:5: parameters.wd.values: must be a list, not 3; "
        "write value: … for one value, values: […] for several",
        "sweep.yaml:7: parameters.p.probabilities: sum to 2, not to 1; divide each by 2",
        "sweep.yaml:8: run_cap: must be at least 1, got 0",
    ]


def test_nested_parameters_of_any_depth_keep_their_path() -> None:
    text = "method: grid\nparameters: {z: {value: 1}, o: {parameters: {p: {parameters: {q: {"
    text += "values: [1, 2]}}}}}}\n"
    assert [p.path for p in read(text).parameters] == [("z",), ("o", "p", "q")]


def test_a_fault_of_a_nested_parameter_names_the_whole_path() -> None:
    text = "method: grid\nparameters:\n  o:\n    parameters:\n      lr: {valuse: [1]}\n"
    assert one_fault(text).startswith("sweep.yaml:5: parameters.o.parameters.lr.valuse: unknown")


@pytest.mark.parametrize("name", ["a:b", "^a", 'a = "b"', "1", "-x", "é", "a;b", "#(x)"])
def test_a_name_that_wandb_forbids_is_passed_on_and_noted(name: str) -> None:
    quoted = "'" + name + "'"
    sweep = read(f"method: grid\nparameters: {{{quoted}: {{values: [1, 2]}}}}\n")
    assert sweep.parameters[0].path == (name,)
    assert any("W&B refuses this name" in note for note in sweep.notes)


def test_exponents_that_look_like_limits_are_pointed_out() -> None:
    text = with_parameter("{distribution: log_uniform, min: 1e-5, max: 1e-1}")
    note = next(n for n in read(text).notes if "exponents" in n)
    assert "values from 1 to 1.105" in note and "write log_uniform_values" in note
    plain = with_parameter("{distribution: log_uniform, min: -12, max: -2}")
    note = next(n for n in read(plain).notes if "exponents" in n)
    assert "write log_uniform_values" not in note and "6.144e-06 to 0.1353" in note


def test_repeated_values_are_noted() -> None:
    assert any(
        "2 repeated value(s)" in n for n in read(with_parameter("{values: [1, 1, 1.0]}")).notes
    )


# ── numbers and the traps of YAML 1.1 ────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "value", "spelled"),
    [
        ("1e-4", 1e-4, True), ("1e5", 1e5, True), ("3e6", 3e6, True), ("1.0e3", 1e3, True),
        ("1E-3", 1e-3, True), ("-.5", -0.5, True), ("'1e-4'", 1e-4, True), ('"5E2"', 5e2, True),
        ("1.0e-5", 1e-5, False), ("0.0001", 1e-4, False), ("1", 1, False), ("0x1F", 31, False),
        ("0o17", 15, True), ("1_000", 1000, False), ("0b11", 3, False), ("010", 10, False),
        ("08", 8, True), ("'8'", "8", False), ("'0.1'", "0.1", False), ("'001'", "001", False),
        ("no", "no", False), ("1:30", "1:30", False), ("nan", "nan", False), ("1e", "1e", False),
        ("1.2.3", "1.2.3", False), ("2024-01-01", "2024-01-01", False), ("True", True, False),
        ("~", None, False), ("''", "", False), ("=", "=", False), ("+", "+", False),
        ("12345678901234567890", 12345678901234567890, False), ("9" * 50, "9" * 50, False),
    ],
)  # fmt: skip
def test_a_value_is_read_as_its_author_meant(text: str, value: object, spelled: bool) -> None:
    found = parameter(f"{{value: {text}}}")
    dist = found.distribution
    assert isinstance(dist, Constant)
    assert dist.value == value and type(dist.value) is type(value)
    assert (list(found.spelling.values()) == [text.strip("'\"")]) is spelled


def test_numbers_that_wandb_reads_as_text_are_noted_once_together() -> None:
    text = (
        "method: random\nmetric: {name: l, goal: minimize}\nrun_cap: 9\nparameters:\n"
        "  lr: {values: [1e-4, 1e-3]}\n"
        "  wd: {distribution: log_uniform_values, min: 1e-6, max: '1'}\n"
    )
    assert read(text).notes == (
        "read as numbers, where W&B reads text: 1e-4 (line 5), 1e-3 (line 5), 1e-6 (line 6), "
        "1 (line 6); the command line keeps the spelling of values",
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("no", "is read as text (W&B reads a boolean; write false for one)"),
        ("On", "write true for one"),
        ("010", "is read as 10 (W&B reads an octal number)"),
        ("1:30", "is read as text (W&B reads a number in base 60)"),
        ("1_000", "is read as the number 1000"),
    ],
)
def test_the_traps_of_yaml_1_1_are_noted(text: str, says: str) -> None:
    notes = read(with_parameter(f"{{values: [{text}, 3]}}")).notes
    assert any(note.startswith("line 4: parameters.x.values: ") and says in note for note in notes)


def test_a_text_too_long_for_one_argument_is_refused() -> None:
    assert read(with_parameter(f"{{value: {'x' * 20_000}}}")).parameters
    assert "put it into a file" in one_fault(with_parameter(f"{{value: {'x' * 100_001}}}"))

"""Hostile and broken bytes: one clear line each, and never more work than the limits allow."""

import json
import os
import time
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.spec.helpers import faults, one_fault, read
from tuiswp.errors import ExitCode, SpecErrors
from tuiswp.spec.load import load
from tuiswp.spec.scalars import exponent_form
from tuiswp.text import visible

GOOD = b"method: grid\nmetric: {name: loss, goal: minimize}\nparameters:\n  x: {values: [1, 2]}\n"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "sweep.yaml: is empty"),
        (b"\n \n", "sweep.yaml: is empty"),
        (b"# nothing\n", "sweep.yaml: holds only comments"),
        (b"\x00\x01\x02", "sweep.yaml: is a binary file"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "sweep.yaml: is a binary file"),
        (b"method: grid\nname: \xff\xfe\n", "sweep.yaml: line 2 is not UTF-8 text"),
        (b"x" * 1_000_001, "sweep.yaml: is 1,000,001 bytes; a sweep file has at most 1,000,000"),
        (b"method: grid\nname: \x1b[2J\n", "sweep.yaml:2: control character U+001B"),
        (b"method: grid\nparameters:\n\tx: 1\n", "sweep.yaml:3: is not YAML: a tab stands where"),
        (b"method: [grid\n", "sweep.yaml:2: is not YAML"),
        (b"a: b: c\n", "sweep.yaml:1: is not YAML: mapping values are not allowed"),
        (b"- 1\n- 2\n", "sweep.yaml: is a list, not a mapping"),
        (b"method:grid\n", "sweep.yaml: is one text, not a mapping; write a space after each"),
        (b"42\n", "sweep.yaml: is 42, not a mapping"),
        (GOOD + b"---\nmethod: random\n", "sweep.yaml:5: a second document begins here"),
        (b"method: grid\nname: {{ name }}\n", "this is a template, fill in its {{"),
        (b"command: [python, ${program}]\n", 'inside [ ] write "${'),
        (b"a: *nowhere\n", "sweep.yaml:1: *nowhere refers to nothing above it"),
        (b"a: &a [*a]\n", "sweep.yaml:1: a.[0]: *a contains itself"),
    ],
)
def test_what_is_not_a_sweep_file_is_told_in_one_line(data: bytes, message: str) -> None:
    line = one_fault(data)
    for word in message.split("; "):
        assert word in line or message.startswith("this is a template")
    if message.startswith("this is a template"):
        assert "template" in line


def test_a_bom_windows_line_ends_and_utf_16_are_read() -> None:
    assert read(b"\xef\xbb\xbf" + GOOD) == read(GOOD)
    assert read(GOOD.replace(b"\n", b"\r\n")) == read(GOOD)
    assert read(GOOD.decode().encode("utf-16")) == read(GOOD)


def test_duplicate_keys_name_both_lines_at_any_depth() -> None:
    text = "method: grid\nmethod: grid\nparameters:\n  x: {value: 1}\n  'x': {value: 2}\n"
    assert faults(text) == [
        "sweep.yaml:2: method: stands twice, on lines 1 and 2; keep one of them",
        "sweep.yaml:5: parameters.x: stands twice, on lines 4 and 5; keep one of them",
    ]


@pytest.mark.parametrize(
    "tag", ["!!python/object/apply:os.system", "!!python/name:os.system", "!include", "!!set"]
)
def test_tags_are_refused(tag: str) -> None:
    line = one_fault(f"method: random\nparameters: {{x: {{value: {tag} [ls]}}}}\nrun_cap: 1\n")
    assert line.startswith("sweep.yaml:2: parameters.x.value: the tag") and "not allowed" in line


def test_core_tags_say_the_type() -> None:
    entry = '{value: [!!str 1, !!float 1, !!int "7", !!float "1e-3", !!null ""]}'
    sweep = read(f"method: random\nparameters:\n  x: {entry}\nrun_cap: 1\n")
    value = getattr(sweep.parameters[0].distribution, "value", None)
    assert [repr(v) for v in value or []] == ["'1'", "1.0", "7", "0.001", "None"]


def test_an_alias_and_a_merge_are_read() -> None:
    text = (
        "method: random\nrun_cap: 1\nparameters:\n"
        "  a: &base {distribution: uniform, min: 0, max: 1}\n  b: *base\n  c: {<<: *base, max: 5}\n"
    )
    a, b, c = (p.distribution for p in read(text).parameters)
    assert a == b and (getattr(c, "min", None), getattr(c, "max", None)) == (0, 5)


def test_an_alias_bomb_is_refused_at_once() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 30)]
    began = time.process_time()
    assert "holds more than 50,000 values" in one_fault("\n".join(lines))
    assert time.process_time() - began < 1.0


def test_a_chain_of_aliases_cannot_pass_the_depth_limit() -> None:
    lines = ["a0: &a0 [x]"] + [f"a{i}: &a{i} [*a{i - 1}]" for i in range(1, 200)]
    assert "nested deeper than 32 levels" in one_fault("\n".join(lines))


@pytest.mark.parametrize("text", ["[" * 5000, "{a: " * 5000, '{"a": ' * 5000])
def test_five_thousand_levels_are_refused(text: str) -> None:
    assert "nested deeper than 32 levels" in one_fault(text)


@pytest.mark.slow
def test_a_million_values_are_refused() -> None:
    assert "holds more than 50,000 values" in one_fault("a: [" + "1," * 400_000 + "1]")


@pytest.mark.parametrize("escape", [r"a\0b", r"\ud800", r"x\udc00y"])
def test_what_no_command_line_can_carry_is_refused(escape: str) -> None:
    text = f'method: random\nrun_cap: 1\nparameters:\n  x: {{values: [a, "{escape}"]}}\n'
    line = one_fault(text)
    assert line.startswith("sweep.yaml:4: parameters.x.values.[1]: holds ")


def test_json_is_read_with_lines_tabs_and_surrogate_pairs() -> None:
    text = '{\n\t"method": "random",\n\t"run_cap": 2,\n\t"parameters": {"x": {"values": [1e-4, '
    text += '"a\\tb", "\\ud83d\\ude00", "\\/"]}}\n}'
    sweep = read(text, shown_as="s.json")
    values = getattr(sweep.parameters[0].distribution, "values", None)
    assert values == (1e-4, "a\tb", "😀", "/")
    assert sweep.notes == ()
    wrong = text.replace('"run_cap"', '"runcap"')
    assert one_fault(wrong, shown_as="s.json").startswith("s.json:3: runcap: unknown key; did you")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"method": "grid",}', "s.json:1: is not JSON: "),
        ("[1]", "s.json: is not a JSON object"),
        ('{"method": "grid", "method": "grid", "parameters": {"x": {"value": 1}}}',
         "s.json:1: method: stands twice, on lines 1 and 1"),
    ],
)  # fmt: skip
def test_broken_json_is_told_as_json(text: str, message: str) -> None:
    assert one_fault(text, shown_as="s.json").startswith(message)


@settings(deadline=None, max_examples=150)
@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda t: t.encode("utf-8", "ignore")))
@example(b"*\xed\x9f\xbc")  # an alias name that a terminal could not show
def test_no_bytes_give_a_traceback(data: bytes) -> None:
    try:
        read(data)
    except SpecErrors as errors:
        assert errors.exit_code == ExitCode.USAGE
        assert all(line == visible(line) for line in str(errors).split("\n"))


@settings(deadline=None, max_examples=150)
@given(st.integers(0, len(GOOD) - 1), st.binary(max_size=3))
def test_no_damage_to_a_good_file_gives_a_traceback(at: int, patch: bytes) -> None:
    try:
        read(GOOD[:at] + patch + GOOD[at + len(patch) :])
    except SpecErrors as errors:
        assert errors.faults


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
    .filter(lambda text: not exponent_form(text)),  # '1e-4' in quotes is read as a number
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8),
        inner, max_size=4,
    ),
    max_leaves=10,
)  # fmt: skip


@settings(deadline=None, max_examples=150)
@given(json_values, st.booleans(), st.sampled_from([None, "\t", 2]))
def test_a_json_value_comes_out_as_it_went_in(
    value: object, ascii_only: bool, indent: str | int | None
) -> None:
    document = {"method": "grid", "parameters": {"x": {"value": [value]}}}
    separators = (",", ":") if indent is None else None
    text = json.dumps(document, ensure_ascii=ascii_only, indent=indent, separators=separators)
    got = getattr(read(text, shown_as="s.json").parameters[0].distribution, "value", None)
    assert repr(got) == repr([value])


# ── files ────────────────────────────────────────────────────────────────────────────────────────


def file_fault(path: Path) -> str:
    with pytest.raises(SpecErrors) as caught:
        load(path, shown_as=path.name)
    return str(caught.value)


def test_a_missing_file_names_its_neighbour(tmp_path: Path) -> None:
    assert file_fault(tmp_path / "sweep.yaml") == "sweep.yaml: does not exist"
    (tmp_path / "sweeps.yaml").write_bytes(GOOD)
    assert file_fault(tmp_path / "sweep.yaml").endswith("did you mean sweeps.yaml?")
    assert "folder does not exist either" in file_fault(tmp_path / "no" / "sweep.yaml")


def test_a_directory_and_a_fifo_are_told_apart_and_do_not_hang(tmp_path: Path) -> None:
    assert file_fault(tmp_path).endswith("is a directory, not a sweep file")
    os.mkfifo(tmp_path / "pipe.yaml")
    assert "is not a regular file" in file_fault(tmp_path / "pipe.yaml")
    assert "is not a regular file" in file_fault(Path("/dev/zero"))


def test_three_hundred_megabytes_are_not_read(tmp_path: Path) -> None:
    path = tmp_path / "big.yaml"
    with path.open("wb") as file:
        file.truncate(300 * 1024 * 1024)
    began = time.process_time()
    assert file_fault(path).startswith("big.yaml: is 314,572,800 bytes; a sweep file has at most")
    assert time.process_time() - began < 0.2


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_says_so(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_bytes(GOOD)
    path.chmod(0)
    assert "cannot be read: Permission denied" in file_fault(path)


def test_a_file_is_named_by_its_stem_and_knows_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "my lr.yaml"
    path.write_bytes(GOOD)
    sweep = load(path, cwd=tmp_path / "elsewhere")
    assert (sweep.name, sweep.source) == ("my lr", str(path))
    assert (sweep.run.cwd, sweep.run.beside) == (str(tmp_path / "elsewhere"), str(tmp_path))


def test_hostile_keys_are_inert_in_every_message() -> None:
    name = "l\n\x1b]52;c;x\x07r\u202e"
    document = {
        "method": "grid",
        name: 1,
        "parameters": {name: {name: 1}, "a" + name: {"values": [1, 2]}, "b": {"min": name}},
        "tuiswp": {"baseline": {name: 1}, "env": {name: None}, name: 1},
        "command": ["${" + name + "}", "x${a" + name + "}"],
    }
    found = faults(json.dumps(document), shown_as="s.json")
    assert len(found) > 5 and all(line == visible(line) for line in found)

"""The house around the code: pins, commands and scripts say what they do and do what they say."""

import argparse
import ast
import importlib
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterable
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.hostile_matrix import COMMANDS, ELSEWHERE, JSON, SCREENS

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def pins() -> dict[str, Version]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pairs = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(name): Version(version) for name, version in pairs}


def test_every_dependency_is_pinned_inside_the_range_it_is_allowed() -> None:
    lists = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    wanted = [Requirement(text) for one in lists for text in one]
    assert len(wanted) > 15
    pinned = pins()
    for requirement in wanted:
        if requirement.name != "tuiswp":
            assert pinned[canonicalize_name(requirement.name)] in requirement.specifier, requirement


def test_torch_is_pinned_without_a_build_so_that_it_fits_every_machine() -> None:
    assert str(pins()["torch"]) == "2.13.0"


def test_the_tool_itself_asks_for_no_training_library() -> None:
    names = {Requirement(text).name for text in PROJECT["dependencies"]}
    assert not names & {"torch", "transformers", "peft", "matplotlib"}


def test_make_help_names_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    assert phony is not None
    done = subprocess.run(["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    named = set(re.findall(r"^make ([\w-]+)", done.stdout, re.MULTILINE))
    assert named == set(phony[1].split()) - {"help"}


@pytest.mark.parametrize("script", sorted(path.name for path in (ROOT / "scripts").iterdir()))
def test_a_script_is_executable_says_its_job_and_stops_at_the_first_fault(script: str) -> None:
    path = ROOT / "scripts" / script
    text = path.read_text()
    assert path.stat().st_mode & 0o111
    if text.startswith("#!/usr/bin/env python3\n"):
        assert ast.get_docstring(ast.parse(text))
        return
    assert text.startswith("#!/bin/sh\n# ")
    assert "\nset -eu\n" in text
    subprocess.run(["sh", "-n", path], check=True)


def setup_with(python: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """Run scripts/setup in a bare copy of the repository whose only interpreter is `python`."""
    (tmp_path / "scripts").mkdir()
    for name in ("pyproject.toml", "constraints.txt", "scripts/setup"):
        shutil.copy(ROOT / name, tmp_path / name)
    interpreter = tmp_path / "python-here"
    interpreter.write_text(f"#!/bin/sh\n{python}\n")
    interpreter.chmod(0o755)
    return subprocess.run(
        [tmp_path / "scripts/setup", "dev"],
        env={"PATH": "/usr/bin:/bin", "PYTHON": str(interpreter)},
        capture_output=True,
        text=True,
    )


def test_too_old_a_python_is_refused_in_one_line(tmp_path: Path) -> None:
    done = setup_with("exit 1", tmp_path)
    assert done.returncode == 1
    assert done.stderr.endswith("python-here: Python 3.11 or newer is needed\n")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / ".venv").exists()


def test_a_python_that_cannot_make_environments_is_told_what_to_install(tmp_path: Path) -> None:
    done = setup_with("case $2 in *ensurepip*) exit 1 ;; esac", tmp_path)
    assert done.returncode == 1
    assert "apt install python3-venv" in done.stderr
    assert done.stderr.count("\n") == 1


def test_without_tmux_and_without_a_package_manager_one_line_says_what_to_do(
    tmp_path: Path,
) -> None:
    for name in ("sh", "id"):
        (tmp_path / name).symlink_to(shutil.which(name) or f"/bin/{name}")
    done = subprocess.run(
        [ROOT / "scripts/install_tmux"], env={"PATH": str(tmp_path)}, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "install it with your system's package manager" in done.stderr


DRAWS_TEXT = ("Static", "Label", "Option", "notify", "Button", "Collapsible", "Tooltip")


def markup_faults(source: str, where: str) -> list[str]:
    """Calls that would have Textual parse a text as markup: what is in it could act, or end us."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        keywords = {keyword.arg: keyword.value for keyword in node.keywords}
        markup = keywords.get("markup")
        says_no = isinstance(markup, ast.Constant) and markup.value is False
        text = node.args[0] if node.args else keywords.get("content", keywords.get("message"))
        is_safe = text is None or (
            isinstance(text, ast.Call)
            and getattr(text.func, "id", "") in ("Content", "Text", "Panel", "Group")
        )
        if markup is not None and not says_no:
            found.append(f"{where}:{node.lineno}: {name} may take markup")
        elif name in DRAWS_TEXT and not says_no and not is_safe:
            found.append(f"{where}:{node.lineno}: {name} of a plain text, without markup=False")
        elif name in ("from_markup", "from_ansi", "render_str"):
            found.append(f"{where}:{node.lineno}: {name} reads markup or escape sequences")
    return found


def test_no_text_is_ever_taken_for_markup() -> None:
    files = sorted((ROOT / "tuiswp").rglob("*.py"))
    assert len(files) > 100
    faults = [
        fault
        for path in files
        for fault in markup_faults(path.read_text(), str(path.relative_to(ROOT)))
    ]
    assert faults == []


@pytest.mark.parametrize(
    "source",
    [
        "Static(name)",
        "Static(content=f'{name}')",
        "Label(name, markup=True)",
        "self.notify(text)",
        "self.app.notify(message=text)",
        "Static(name, markup=not safe)",
        "Text.from_markup(name)",
        "Text.from_ansi(line)",
        "Option(str(trial))",
        "console.print(x, markup=True)",
    ],
)
def test_the_gate_against_markup_sees_each_way_to_it(source: str) -> None:
    assert markup_faults(source, "a.py")


@pytest.mark.parametrize(
    "source",
    ["Static()", "Static(Content(x))", "self.notify(x, markup=False)", "Static(x, markup=False)"],
)
def test_the_gate_against_markup_lets_inert_texts_pass(source: str) -> None:
    assert markup_faults(source, "a.py") == []


@pytest.mark.parametrize(
    ("page", "least"), [("README.md", 12), ("docs/faults.md", 100), ("SECURITY.md", 20)]
)
def test_every_test_that_a_page_of_promises_names_exists(page: str, least: int) -> None:
    named = re.findall(r"(tests/[\w/]+\.py)::(\w+)", (ROOT / page).read_text())
    assert len(named) >= least
    for path, name in named:
        assert re.search(rf"^ *(async )?def {name}\(", (ROOT / path).read_text(), re.MULTILINE), (
            f"{page} names {path}::{name}, which is not there"
        )


def test_each_of_the_twelve_promises_stands_in_the_readme_with_a_test() -> None:
    section = (
        (ROOT / "README.md").read_text().partition("### Twelve promises")[2].partition("\n#")[0]
    )
    rows = [line.split("|")[1:4] for line in section.splitlines() if re.match(r"\| \d", line)]
    assert [int(number) for number, _, _ in rows] == list(range(1, 13))
    assert all("::" in held for _, _, held in rows)


def test_each_of_the_twelve_promises_and_each_fault_has_a_test_or_a_reason() -> None:
    rows = [
        [cell.strip() for cell in line.split("|")[1:4]]
        for line in (ROOT / "docs/faults.md").read_text().splitlines()
        if line.startswith("| ") and not line.startswith("| # |")
    ]
    assert [row[0] for row in rows[:12]] == [f"P{number}" for number in range(1, 13)]
    assert len(rows) > 80
    for number, what, held in rows:
        assert "::" in held or held.startswith(("not yet", "excluded: ")), f"{number} {what}"


def screens_of(folder: Path) -> set[str]:
    """Classes that are a screen a person can be on; what others build on is none."""
    bases: dict[str, list[str]] = {}
    for path in folder.glob("*.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef):
                parts = [
                    base.value if isinstance(base, ast.Subscript) else base for base in node.bases
                ]
                bases[node.name] = [getattr(part, "id", "") for part in parts]
    found = {"Screen", "ModalScreen"}
    while more := {name for name, of in bases.items() if found & set(of)} - found:
        found |= more
    built_on = {base for of in bases.values() for base in of}
    return found - built_on


def matrix_gaps(
    commands: Iterable[str], with_json: Iterable[str], screens: Iterable[str], forms: Iterable[str]
) -> set[str]:
    """What comes out somewhere that no hostile text has been sent through."""
    spoken = {words[0] for words in COMMANDS}
    answers = {words[0] for words in JSON}
    seen = {name.partition(",")[0] for name in SCREENS} | ELSEWHERE
    gaps = set(commands) - spoken | {f"{name} --json" for name in set(with_json) - answers}
    return gaps | set(screens) - seen | {f"form {name}" for name in forms} - seen


def test_the_matrix_of_hostile_texts_has_every_command_and_every_screen() -> None:
    from tuiswp.cli.main import COMMANDS as REGISTERED
    from tuiswp.tui.once import SCREENS as PRINTED

    with_json = []
    for name, (module, _) in REGISTERED.items():
        parser = argparse.ArgumentParser()
        importlib.import_module(f"tuiswp.cli.{module}").add_arguments(parser, name)
        if any("--json" in action.option_strings for action in parser._actions):
            with_json.append(name)
    forms = {path.stem for path in (ROOT / "tuiswp/tui/forms").glob("*.py")} - {"__init__", "base"}
    screens = screens_of(ROOT / "tuiswp/tui/screens") - {"FormScreen"}  # by its forms
    assert len(REGISTERED) > 25 and len(screens) > 10 and len(with_json) > 8 and len(forms) > 4
    assert matrix_gaps(REGISTERED, with_json, screens, forms) == set()
    printed = {words[words.index("--screen") + 1] for words in COMMANDS if "--screen" in words}
    assert set(PRINTED) == printed | {"sweep"}


def test_a_command_a_screen_a_form_or_an_answer_that_is_new_is_missed_in_the_matrix() -> None:
    gaps = {"dance", "dance --json", "DanceScreen", "form dance"}
    assert matrix_gaps(["dance"], ["dance"], ["DanceScreen"], ["dance"]) == gaps

"""What the layers of import-linter cannot see: what is really loaded, and that modules say why.

A library imported inside a function is invisible to import-linter, and a light module that pulls a
heavy one through a third party as well. So each light module is imported in a fresh interpreter.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# Each costs more to import than the whole of `tuiswp --help` may take.
TRAINING = {"torch", "transformers", "peft", "optuna", "sklearn"}
TABLES = {"pandas", "numpy", "scipy", "matplotlib"}
SCREENS = {"textual", "rich", "libtmux"}
# Whose files are read without them.
LOGGERS = {"wandb", "tensorboard", "lightning", "google"}
HEAVY = TRAINING | TABLES | {"textual"}

# Module, and what it may never load. `report` and the supervisor run in every trial.
LIGHT = [
    ("tuiswp", HEAVY | SCREENS | {"msgspec", "ruamel", "asyncio", "subprocess"}),
    ("tuiswp.integrations", HEAVY | SCREENS | {"msgspec", "ruamel", "lightning"}),
    ("tuiswp.api", TRAINING | TABLES | {"textual"}),
    ("tuiswp.report", HEAVY | SCREENS | {"msgspec", "ruamel", "asyncio", "subprocess"}),
    ("tuiswp.launchers.supervisor", HEAVY | SCREENS | {"msgspec", "ruamel", "asyncio"}),
    ("tuiswp.model.events", HEAVY | SCREENS),
    ("tuiswp.spec.load", HEAVY | SCREENS),
    ("tuiswp.controller.reducer", HEAVY | SCREENS | {"ruamel"}),
    ("tuiswp.controller.journal", HEAVY | SCREENS | {"ruamel"}),
    ("tuiswp.controller.client", HEAVY | {"textual"}),
    ("tuiswp.controller.loop", TRAINING | LOGGERS | {"matplotlib", "textual"}),
    ("tuiswp.metrics.sources.finding", HEAVY | SCREENS | LOGGERS | {"ruamel"}),
    ("tuiswp.cli.main", HEAVY),
]


def loaded_by(code: str) -> set[str]:
    """Top-level names in `sys.modules` after `code` ran in a fresh interpreter."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    return {name.partition(".")[0] for name in done.stdout.splitlines()[-1].split()}


def sources(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from sorted((ROOT / folder).rglob("*.py"))


@pytest.mark.parametrize(("module", "heavy"), LIGHT, ids=[module for module, _ in LIGHT])
def test_a_light_module_stays_light(module: str, heavy: set[str]) -> None:
    assert not heavy & loaded_by(f"import {module}")


def test_help_loads_no_heavy_library() -> None:
    code = (
        "import sys, contextlib\n"
        "from tuiswp.cli.main import main\n"
        "sys.argv = ['tuiswp', '--help']\n"
        "with contextlib.suppress(SystemExit):\n    main()\n"
    )
    assert not HEAVY & loaded_by(code)


def test_the_first_frame_waits_for_nothing_that_reads_judges_or_launches() -> None:
    code = "import tuiswp.cli.main, tuiswp.cli.run, tuiswp.tui.app"
    found = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules)"],
        capture_output=True, text=True, check=True, cwd=ROOT,
    ).stdout.split()  # fmt: skip
    assert "tuiswp.tui.screens.sweep" in found
    later = (
        "tuiswp.launchers", "tuiswp.spec.load", "tuiswp.controller.client",
        "tuiswp.analysis.diagnosis", "tuiswp.tui.reading", "tuiswp.tui.screens.results",
        "tuiswp.controller.loop", "psutil", "ruamel",
    )  # fmt: skip
    assert [name for name in found if name.startswith(later)] == []


def test_what_a_training_script_imports_is_the_standard_library() -> None:
    ours = loaded_by("import tuiswp.report") - loaded_by("")
    assert ours - set(sys.stdlib_module_names) == {"tuiswp"}


def test_every_module_of_the_tool_says_what_it_is_for() -> None:
    found = list(sources("tuiswp", "recipes", "benchmarks"))
    assert len(found) > 50  # a glob that finds nothing passes everything
    silent = [path for path in found if not ast.get_docstring(ast.parse(path.read_text()))]
    assert silent == []


def test_every_public_class_and_function_of_a_contract_has_a_docstring() -> None:
    """The modules others build on: a name there without a word is a guess for the reader."""
    contracts = [
        *sources("tuiswp/model"),
        ROOT / "tuiswp/errors.py",
        ROOT / "tuiswp/report.py",
        ROOT / "tuiswp/proc.py",
        ROOT / "tuiswp/launchers/base.py",
        ROOT / "tuiswp/controller/client.py",
    ]
    silent = [
        f"{path.relative_to(ROOT)}: {node.name}"
        for path in contracts
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ]
    assert silent == []


def test_every_folder_of_tests_is_a_package_of_its_own() -> None:
    """Two test files of one name would otherwise shut each other out."""
    folders = {path.parent for path in sources("tests")}
    assert len(folders) > 10
    assert [folder for folder in folders if not (folder / "__init__.py").exists()] == []


def test_every_layer_of_the_tool_has_tests() -> None:
    layers = {path.parent.name for path in (ROOT / "tuiswp").glob("*/__init__.py")}
    tested = {path.parent.name for path in (ROOT / "tests").glob("*/test_*.py")}
    assert len(layers) > 5
    assert layers - {"model"} <= tested  # model has no behaviour to test

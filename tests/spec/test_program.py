"""What is said before the first launch: a program that cannot start, a script that surprises."""

import json
from pathlib import Path

import pytest

from tuiswp.model.sweep import Sweep
from tuiswp.spec.command import program_problem, program_warnings
from tuiswp.spec.load import load_bytes


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder to run in, with a PATH of its own."""
    for name in ("work", "bin", "beside"):
        (tmp_path / name).mkdir()
    for name in ("python", "python3", "bash", "torchrun", "env"):
        script(tmp_path / "bin" / name)
    (tmp_path / "work" / "train.py").write_text("print(1)\n")
    return tmp_path


def script(path: Path, text: str = "#!/bin/sh\n", mode: int = 0o755) -> Path:
    path.write_bytes(text.encode())
    path.chmod(mode)
    return path


def sweep(here: Path, program: str | None, *tokens: str, own: str = "{}") -> Sweep:
    text = "method: grid\n"
    if program is not None:
        text += f"program: {json.dumps(program)}\n"
    if tokens:
        text += f"command: {json.dumps(tokens)}\n"
    text += f"parameters: {{lr: {{values: [1, 2]}}}}\ntuiswp: {own}\n"
    return load_bytes(
        text.encode(), shown_as="s.yaml", name="s", cwd=here / "work", beside=here / "beside"
    )


def problem(here: Path, program: str | None, *tokens: str, own: str = "{}") -> str | None:
    found = program_problem(sweep(here, program, *tokens, own=own), {"PATH": str(here / "bin")})
    return None if found is None else str(found)


@pytest.mark.parametrize(
    ("program", "tokens"),
    [
        ("train.py", ()),
        ("train.py", ("${env}", "${interpreter}", "-u", "${program}", "${args}")),
        ("train.py", ("python3", "-X", "dev", "${program}")),
        ("train.py", ("torchrun", "--nproc", "2", "${program}", "${args}")),
        (None, ("${env}", "A=1", "python", "train.py")),
        (None, ("python", "-m", "pkg.train", "${args}")),
        (None, ("python", "-c", "print(1)")),
        (None, ("bash", "-c", "echo ${lr}")),
        (None, ("${interpreter}", "${lr}.py")),
        (None, ("./run",)),
        ("run", ("./${program}", "${args}")),
        ("ignored.py", ("python", "train.py")),
    ],
)
def test_a_command_that_can_start_has_no_problem(
    here: Path, program: str | None, tokens: tuple[str, ...]
) -> None:
    script(here / "work" / "run")
    assert problem(here, program, *tokens) is None


@pytest.mark.parametrize(
    ("program", "tokens", "message"),
    [
        ("nope.py", (), "s.yaml:2: program: nope.py does not exist in "),
        ("only_beside.py", (), "but beside the sweep file; start tuiswp in "),
        ("/mnt/other/train.py", (), "does not exist; is it a path of another machine?"),
        ("src\\train.py", (), "src\\train.py is a Windows path; write src/train.py"),
        ("<your_script.py>", (), "<your_script.py> is a placeholder"),
        ("-m pkg.train", (), '"-m", "pkg.train"'),
        ("folder", (), "folder is a directory; name the script in it"),
        ("run.sh", (), "is a shell script, and python would read it; write command: [bash"),
        (None, (), "s.yaml: program: is missing: neither program nor command names what to run"),
        ("train.py", ("pythn", "${program}"), "s.yaml:3: command: pythn is not on PATH"),
        (None, ("python", "gone.py"), "command: gone.py does not exist in "),
        ("gone.py", ("torchrun", "${program}"), "program: gone.py does not exist"),
        ("train.py", ("${program}",), "is not on PATH (it is a file here); write ./train.py"),
        (None, ("./train.py",), "./train.py is not executable; chmod +x ./train.py"),
        (None, ("./folder",), "is a directory"),
        (None, ("./bare",), "./bare has no #! line; begin it with"),
        (None, ("./crlf",), "has Windows line ends, so its #! line names no program"),
        (None, ("./badbang",), "its #! line names /no/such/python, which cannot be run"),
        (None, ("./envbang",), "its #! line asks for python9, not on PATH"),
        (None, ("./gone\x1b",), "./gone␛ does not exist"),
    ],
)
def test_a_command_that_cannot_start_says_why_and_what_to_do(
    here: Path, program: str | None, tokens: tuple[str, ...], message: str
) -> None:
    work = here / "work"
    (work / "folder").mkdir()
    (here / "beside" / "only_beside.py").write_text("")
    script(work / "run.sh")
    script(work / "bare", "echo 1\n")
    script(work / "crlf", "#!/bin/sh\r\n")
    script(work / "badbang", "#!/no/such/python -u\n")
    script(work / "envbang", "#!/usr/bin/env python9\n")
    found = problem(here, program, *tokens)
    assert found is not None and message in found and found.startswith("s.yaml")


def test_a_missing_working_directory_is_told_first(here: Path) -> None:
    found = problem(here, "nope.py", own="{cwd: no/where}")
    assert found is not None and "no/where is not a directory" in found


def test_a_variable_in_the_command_is_looked_up(here: Path) -> None:
    tokens = ("${envvar:TOOL}", "-c", "x")
    found = program_problem(sweep(here, None, *tokens), {"PATH": str(here / "bin"), "TOOL": "bash"})
    assert found is None
    unset = problem(here, None, *tokens)
    assert unset is not None and "TOOL is not on PATH" in unset


def test_a_script_that_starts_its_own_sweep_is_warned_about(here: Path) -> None:
    text = "import wandb\n# wandb.sweep(x)\nid = wandb.sweep(cfg)\nwandb . agent(id, f)\n"
    (here / "work" / "train.py").write_text(text)
    for made in (sweep(here, "train.py"), sweep(here, None, "python", "train.py")):
        (warning,) = program_warnings(made)
        assert warning.startswith(
            "train.py itself calls wandb.sweep (line 3) and wandb.agent (line 4): each trial would"
        )


def test_an_innocent_or_missing_script_gives_no_warning(here: Path) -> None:
    (here / "work" / "train.py").write_bytes(b"\xff\xfe wandb.init()\n# wandb.agent(x)\n")
    assert program_warnings(sweep(here, "train.py")) == []
    assert program_warnings(sweep(here, "gone.py")) == []


def test_an_unset_variable_is_named(here: Path) -> None:
    made = sweep(here, None, "python", "--out=${envvar:DATA_DIR}", "${args}")
    assert program_warnings(made, {}) == [
        "${envvar:DATA_DIR} is not set; the command gets the word DATA_DIR"
    ]
    assert program_warnings(made, {"DATA_DIR": "/d"}) == []

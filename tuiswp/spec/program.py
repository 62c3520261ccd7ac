"""Can the command of a sweep be started at all, and does the script hold a surprise? Before launch.

Looks at files and PATH, runs nothing. What it cannot judge it lets pass: the supervisor reports a
failed exec anyway; this only says it earlier and better.
"""

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from tuiswp.errors import SpecError
from tuiswp.model.sweep import Sweep
from tuiswp.text import visible

_PYTHON = re.compile(r"(?:.*/)?python[0-9.]*")
_SHELL = re.compile(r"(?:.*/)?(?:ba|da|z|k)?sh")
_PLACEHOLDER = re.compile(r"<[^<>]+>")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
_ENVVAR = re.compile(r"\$\{envvar:([A-Z0-9_]*)\}")
_READ_AT_MOST = 1_000_000
_WANDB = re.compile(r"^[^#\n]*?\bwandb\s*\.\s*(sweep|agent)\s*\(", re.MULTILINE)


def program_problem(sweep: Sweep, environ: Mapping[str, str]) -> SpecError | None:
    """Why the first trial could not start, or None. `environ`: that of the training."""
    return _Check(sweep, environ).run()


class _Check:
    def __init__(self, sweep: Sweep, environ: Mapping[str, str]) -> None:
        self.sweep, self.environ = sweep, environ
        self.cwd = Path(sweep.run.cwd)
        self.shown_cwd = visible(sweep.run.cwd, limit=200)

    def problem(self, key: str, what: str, hint: str | None = None) -> SpecError:
        line = self.sweep.lines.get(key)
        place = self.sweep.source if line is None else f"{self.sweep.source}:{line}"
        return SpecError(what, where=f"{place}: {key}", hint=hint)

    def run(self) -> SpecError | None:
        if not self.cwd.is_dir():
            return self.problem("tuiswp", f"cwd {self.shown_cwd} is not a directory")
        program = self.sweep.run.program
        command = self.sweep.run.command
        if program is None and "${program}" in command:
            return self.problem(
                "program",
                "is missing: neither program nor command names what to run",
                "if the sweep was started from Python (wandb.agent(…, function=…)), "
                "put that function into a script and name it: program: train.py",
            )
        if program is not None and "${program}" in command and (fault := self.odd(program)):
            return fault
        return self.walk(list(command))

    def odd(self, program: str) -> SpecError | None:
        shown = visible(program, limit=80)
        if _PLACEHOLDER.search(program):
            return self.problem("program", f"{shown} is a placeholder", "write your script's path")
        if "\\" in program and not (self.cwd / program).exists():
            forward = visible(program.replace("\\", "/"), limit=80)
            return self.problem("program", f"{shown} is a Windows path", f"write {forward}")
        if program.startswith("-m "):
            module = visible(program[3:].strip(), limit=60)
            hint = f'write command: ["${{env}}", "${{interpreter}}", "-m", "{module}", "${{args}}"]'
            return self.problem("program", f"{shown} is an option, not a file", hint)
        return None

    def walk(self, tokens: list[str]) -> SpecError | None:
        """Follow argv to what is executed, then to the script that an interpreter reads."""
        position = 0
        if tokens and (tokens[0] == "${env}" or Path(tokens[0]).name == "env"):
            position = 1
            while position < len(tokens) and _ASSIGNMENT.match(tokens[position]):
                position += 1
        if position >= len(tokens):
            return None
        token = self.literal(tokens[position])
        rest = tokens[position + 1 :]
        if token is None or (position and token.startswith("-")):
            return None  # made of a parameter's value, or options of env: not known before launch
        if token == "${interpreter}":
            return self.script(rest, python=True)
        key = "program" if token == "${program}" else "command"
        found = self.executable(self.real(token), key)
        if found is not None:
            return found
        if _PYTHON.fullmatch(token):
            return self.script(rest, python=True)
        return self.script(rest, python=False) if _SHELL.fullmatch(token) else self.named(rest)

    def real(self, token: str) -> str:
        return (self.sweep.run.program or "") if token == "${program}" else token

    def literal(self, token: str) -> str | None:
        """The token with its environment variables; None if other macros are in it."""
        if token in ("${interpreter}", "${program}"):
            return token
        text = _ENVVAR.sub(lambda found: self.environ.get(found[1], found[1]), token)
        return None if "${" in text else text

    def script(self, rest: list[str], python: bool) -> SpecError | None:
        """The first argument of an interpreter that is no option must be a file to read."""
        position = 0
        while position < len(rest):
            token = rest[position]
            if token in ("-m", "-c", "-") or token.startswith(("-m", "-c", "${args")):
                return None
            if not token.startswith("-"):
                break
            position += 2 if python and token in ("-X", "-W") else 1
        if position >= len(rest):
            return None
        literal = self.literal(rest[position])
        if literal is None or literal == "${interpreter}":
            return None
        return self.readable(
            self.real(literal), "program" if literal == "${program}" else "command", python
        )

    def named(self, rest: list[str]) -> SpecError | None:
        """Another launcher (torchrun, accelerate): its program must exist if it is a path."""
        for before, token in zip(["", *rest], rest, strict=False):
            if token == "${program}" and before not in ("-m", "--module"):
                program = self.sweep.run.program or ""
                if "/" in program or program.endswith((".py", ".sh")):
                    return self.readable(program, "program", False)
        return None

    def readable(self, name: str, key: str, python: bool) -> SpecError | None:
        path = self.cwd / name
        shown = visible(name, limit=120)
        if not path.exists():
            return self.absent(name, key)
        if path.is_dir():
            if python and (path / "__main__.py").exists():
                return None
            return self.problem(key, f"{shown} is a directory", "name the script in it")
        if not os.access(path, os.R_OK):
            return self.problem(key, f"{shown} cannot be read", f"chmod u+r {shown}")
        if python and path.suffix in (".sh", ".bash"):
            hint = 'write command: [bash, "${program}", "${args}"]'
            return self.problem(key, f"{shown} is a shell script, and python would read it", hint)
        return None

    def absent(self, name: str, key: str) -> SpecError:
        shown = visible(name, limit=120)
        beside = self.sweep.run.beside
        if beside is not None and (Path(beside) / name).is_file() and not Path(name).is_absolute():
            folder = visible(beside, limit=200)
            return self.problem(
                key,
                f"{shown} is not in {self.shown_cwd}, but beside the sweep file",
                f"start tuiswp in {folder}, or set tuiswp.cwd: {folder}",
            )
        if Path(name).is_absolute():
            return self.problem(key, f"{shown} does not exist", "is it a path of another machine?")
        return self.problem(
            key,
            f"{shown} does not exist in {self.shown_cwd}",
            "paths are relative to where tuiswp starts",
        )

    def executable(self, name: str, key: str) -> SpecError | None:
        shown = visible(name, limit=120)
        if not name:
            return self.problem(key, "the program to run is an empty text")
        if "/" not in name:
            if shutil.which(name, path=self.environ.get("PATH")):
                return None
            if (self.cwd / name).is_file():
                hint = f"write ./{shown}, or python before it"
                return self.problem(key, f"{shown} is not on PATH (it is a file here)", hint)
            return self.problem(key, f"{shown} is not on PATH", "is its environment activated?")
        path = self.cwd / name
        if not path.exists():
            return self.absent(name, key)
        if path.is_dir():
            return self.problem(key, f"{shown} is a directory", "name a program in it")
        if not os.access(path, os.X_OK):
            return self.problem(key, f"{shown} is not executable", f"chmod +x {shown}")
        return self.shebang(path, shown, key)

    def shebang(self, path: Path, shown: str, key: str) -> SpecError | None:
        try:
            with path.open("rb") as file:
                first = file.read(512)
        except OSError:
            return None  # executable but not readable: the kernel may still run it
        if first[:4] == b"\x7fELF":
            return None
        if first[:2] != b"#!":
            hint = "begin it with #!/usr/bin/env python3 or #!/bin/bash"
            return self.problem(key, f"{shown} has no #! line", hint)
        line = first[2:].split(b"\n")[0]
        if line.endswith(b"\r"):
            what = f"{shown} has Windows line ends, so its #! line names no program"
            return self.problem(key, what, f"sed -i 's/\\r$//' {shown}")
        words = line.decode("utf-8", "replace").split()
        if not words or not os.access(words[0], os.X_OK):
            named = visible(words[0], limit=80) if words else "nothing"
            return self.problem(key, f"{shown}: its #! line names {named}, which cannot be run")
        asks_env = Path(words[0]).name == "env" and len(words) == 2
        if asks_env and not shutil.which(words[1], path=self.environ.get("PATH")):
            missing = visible(words[1], limit=80)
            return self.problem(key, f"{shown}: its #! line asks for {missing}, not on PATH")
        return None


def program_warnings(sweep: Sweep, environ: Mapping[str, str] | None = None) -> list[str]:
    """What may surprise in the script or the command, one line each; never an error.

    A script that itself calls wandb.sweep or wandb.agent would start a sweep inside each trial.
    With `environ`, variables that `${envvar:NAME}` finds unset are named as well.
    """
    warnings: list[str] = []
    for name in _scripts(sweep):
        path = Path(sweep.run.cwd) / name
        try:
            if not path.is_file():
                continue
            with path.open("rb") as file:
                text = file.read(_READ_AT_MOST).decode("utf-8", "replace")
        except OSError:
            continue
        calls: dict[str, int] = {}
        for found in _WANDB.finditer(text):
            calls.setdefault(found[1], text.count("\n", 0, found.start(1)) + 1)
        if calls:
            shown = visible(name, limit=80)
            lines = " and ".join(f"wandb.{call} (line {line})" for call, line in calls.items())
            warnings.append(
                f"{shown} itself calls {lines}: each trial would start a W&B sweep of its own; "
                "move the training into a script that does not"
            )
    if environ is not None:
        for token in sweep.run.command:
            warnings.extend(
                f"${{envvar:{name}}} is not set; the command gets the word {name}"
                for name in _ENVVAR.findall(token)
                if name not in environ
            )
    return warnings


def _scripts(sweep: Sweep) -> list[str]:
    named = [sweep.run.program] if sweep.run.program else []
    named.extend(token for token in sweep.run.command if token.endswith(".py"))
    return [name for name in dict.fromkeys(named) if name.endswith(".py")]

"""The command of a trial: tokens and macros → argv. No shell, no re-splitting, no re-ordering.

W&B's macros as they are, with three differences, noted when the file is read: `${trial_dir}` is
ours, a parameter's own name (`${lr}`, `--x=${lr}`) gives its value, and an unknown macro is a fault
instead of silently nothing. Nothing is run here.
"""

import difflib
import json
import re
import shutil
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from tuiswp.errors import SpecError
from tuiswp.model.space import Params, Path, Value
from tuiswp.model.sweep import Sweep
from tuiswp.spec.params import flatten, near_miss, value_key
from tuiswp.spec.program import program_problem, program_warnings
from tuiswp.text import visible

__all__ = [
    "DEFAULT_COMMAND", "CommandContext", "Expansion", "default_interpreter", "examine", "expand",
    "program_problem", "program_warnings",
]  # fmt: skip

DEFAULT_COMMAND = ("${env}", "${interpreter}", "${program}", "${args}")
ARGS_FILE = "args.json"
PARAMETER_MACROS = (
    "args", "args_no_equals", "args_no_hyphens", "args_no_boolean_flags", "args_append_hydra",
    "args_override_hydra", "args_json", "args_json_file",
)  # fmt: skip
MACROS = ("env", "interpreter", "program", "trial_dir", "args_dict", *PARAMETER_MACROS)

_MACRO = re.compile(r"\$\{([^{}]*)\}")
_ENVVAR = re.compile(r"envvar:([A-Z0-9_]*)")


class CommandContext(NamedTuple):
    """What one trial adds: `environ` is the environment the training will have."""

    trial_dir: str
    sweep_id: str
    run_id: str
    interpreter: str = "python"
    environ: Mapping[str, str] = {}


class Expansion(NamedTuple):
    """`argv` for exec; `files`: absolute path → content, to be written before the launch."""

    argv: tuple[str, ...]
    files: dict[str, bytes]


class Finding(NamedTuple):
    """What `examine` has to say of one token."""

    token: int
    is_fault: bool
    what: str
    hint: str | None = None


def default_interpreter(environ: Mapping[str, str]) -> str:
    """W&B says `python`; where there is none on PATH, the interpreter tuiswp itself runs on."""
    return "python" if shutil.which("python", path=environ.get("PATH")) else sys.executable


def expand(sweep: Sweep, params: Params, context: CommandContext) -> Expansion:
    """The argv of one trial.

    Values become text as Python's str() writes them, numbers that the author spelled `1e-4` as
    spelled; parameters come in the order of the file. Raises SpecError if the command needs a
    program and the file names none, or if nothing is left to run.
    """
    expander = _Expander(sweep, params, context)
    argv: list[str] = []
    for token in sweep.run.command:
        argv.extend(expander.token(token))
    if not argv:
        raise SpecError(
            "expands to nothing", where=f"{sweep.source}: command", hint="name a program to run"
        )
    return Expansion(tuple(argv), expander.files)


class _Expander:
    def __init__(self, sweep: Sweep, params: Params, context: CommandContext) -> None:
        self.sweep, self.context = sweep, context
        self.spelling = {p.path: p.spelling for p in sweep.parameters}
        given = {".".join(path) for path in flatten(params, sweep.parameters)}
        conditional = {".".join(rule.path) for rule in sweep.constraints.when}
        self.absent = conditional - given
        order = dict.fromkeys(p.path[0] for p in sweep.parameters if p.path[0] in params)
        self.params: Params = {name: params[name] for name in [*order, *params]}
        self.files: dict[str, bytes] = {}

    def text(self, path: Path, value: Value) -> str:
        if isinstance(value, str):
            return value
        return self.spelling.get(path, {}).get(value_key(value), str(value))

    def pairs(self) -> Iterator[tuple[str, str]]:
        for name, value in self.params.items():
            yield name, self.text((name,), value)

    def token(self, token: str) -> list[str]:
        whole = _MACRO.fullmatch(token)
        name = whole[1] if whole else None
        if name == "env":
            return ["/usr/bin/env"]
        if name == "interpreter":
            return [self.context.interpreter]
        if name == "program":
            if self.sweep.run.program is None:
                raise SpecError(
                    "is missing, and the command needs it",
                    where=f"{self.sweep.source}: program",
                    hint="write program: train.py, or command: [python, train.py, ${args}]; a "
                    "sweep that wandb.agent runs as a Python function has none: give it a script",
                )
            return [self.sweep.run.program]
        if name is not None and (name in PARAMETER_MACROS or name == "args_dict"):
            return self.arguments(name)
        if self.absent and any(one[1] in self.absent for one in _MACRO.finditer(token)):
            return []  # an argument about a parameter that does not exist in this trial
        return [_MACRO.sub(self.inside, token)]

    def arguments(self, name: str) -> list[str]:
        match name:
            case "args":
                return [f"--{key}={text}" for key, text in self.pairs()]
            case "args_no_equals":
                return [part for key, text in self.pairs() for part in (f"--{key}", text)]
            case "args_no_hyphens":
                return [f"{key}={text}" for key, text in self.pairs()]
            case "args_append_hydra":
                return [f"+{key}={text}" for key, text in self.pairs()]
            case "args_override_hydra":
                return [f"++{key}={text}" for key, text in self.pairs()]
            case "args_no_boolean_flags":
                return [
                    f"--{key}" if self.params[key] is True else f"--{key}={text}"
                    for key, text in self.pairs()
                    if self.params[key] is not False
                ]
            case "args_json":
                return [json.dumps(self.params)]
            case "args_json_file":
                path = f"{self.context.trial_dir}/{ARGS_FILE}"
                self.files[path] = json.dumps(self.params).encode()
                return [path]
        return []  # args_dict: internal to W&B

    def inside(self, found: re.Match[str]) -> str:
        """One macro within a token; what is not ours to expand stays as it is."""
        name = found[1]
        if name == "trial_dir":
            return self.context.trial_dir
        variable = _ENVVAR.fullmatch(name)
        if variable:  # an unset variable becomes its own name, as in W&B
            return self.context.environ.get(variable[1], variable[1])
        if name in MACROS:
            return found[0]
        if name in self.params:
            return self.text((name,), self.params[name])
        for path in self.spelling:
            if ".".join(path) == name and len(path) > 1:
                level: Value = self.params
                for part in path:
                    if not isinstance(level, dict) or part not in level:
                        return found[0]
                    level = level[part]
                return self.text(path, level)
        return found[0]


def examine(tokens: Sequence[str], names: Collection[str]) -> Iterator[Finding]:
    """What is wrong or noteworthy in the macros of a command.

    `names`: of the parameters, top-level and dotted. An unknown macro that is a token of its own is
    a fault; inside a longer token it may belong to a shell or to Hydra and is only noted.
    """
    for index, token in enumerate(tokens):
        whole = _MACRO.fullmatch(token)
        if whole:
            yield from _whole(index, whole[1], names)
            continue
        for found in _MACRO.finditer(token):
            yield from _within(index, found[1], names)
        if token.startswith("-") and " " in token.strip() and "=" not in token.split(" ")[0]:
            shown = visible(token, limit=60)
            yield Finding(index, False, f"`{shown}` is one argument with a space in it")
    used = [m[1] for token in tokens for m in _MACRO.finditer(token)]
    if names and not any(name in PARAMETER_MACROS or name in names for name in used):
        yield Finding(
            len(tokens) - 1, False,
            "no ${args}: the parameters reach the training by TUISWP_CONFIG and wandb.config only",
        )  # fmt: skip


def _whole(index: int, name: str, names: Collection[str]) -> Iterator[Finding]:
    shown = visible(name, limit=60)
    if name == "args_dict":
        yield Finding(index, False, "${args_dict} is internal to W&B and gives nothing")
    elif name in MACROS or _ENVVAR.fullmatch(name):
        return
    elif name in names:
        yield Finding(index, False, f"${{{shown}}} is the value of {shown} (W&B drops it)")
    elif name.startswith("envvar:"):
        hint = "its name is made of A-Z, 0-9 and _"
        yield Finding(index, True, f"unknown macro ${{{shown}}}", hint)
    elif name.startswith("env"):
        yield Finding(index, True, f"unknown macro ${{{shown}}}", "write ${env} or ${envvar:NAME}")
    else:
        hint = near_miss(name, {*MACROS, *names} - {"args_dict"})
        yield Finding(index, True, f"unknown macro ${{{shown}}}", hint)


def _within(index: int, name: str, names: Collection[str]) -> Iterator[Finding]:
    shown = visible(name, limit=60)
    if name == "trial_dir" or _ENVVAR.fullmatch(name):
        return
    if name in MACROS:
        what = f"${{{shown}}} is expanded only as an argument of its own; here it stays as it is"
        yield Finding(index, False, what)
    elif name in names:
        what = f"${{{shown}}} is the value of {shown} (W&B leaves it as it is)"
        yield Finding(index, False, what)
    else:
        near = difflib.get_close_matches(name, [*names, "trial_dir"], n=1, cutoff=0.75)
        meant = f"; did you mean ${{{visible(near[0], limit=60)}}}?" if near else ""
        yield Finding(index, False, f"${{{shown}}} is not ours and stays as it is{meant}")

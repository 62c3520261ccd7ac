"""Read `tuiswp.env` and `tuiswp.env_from`: what a training finds in its environment.

`env_from` names variables of the shell that starts or resumes the sweep. That they are set is asked
before anything is made; their values are for the training, and nothing else shows or keeps them.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from tuiswp.errors import SpecError
from tuiswp.model.sweep import Run, Sweep
from tuiswp.spec.reader import Section, kind_of
from tuiswp.spec.tree import Items, Keyed, Leaf, Node
from tuiswp.text import visible

_RESERVED = re.compile(r"TUISWP_|CUDA_(?:VISIBLE_DEVICES|DEVICE_ORDER)$")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ENVVAR = re.compile(r"\$\{envvar:([A-Z0-9_]*)\}")
# Words of a name, so that TOKENIZERS_PARALLELISM and MAX_TOKENS are none.
_SECRET_WORDS = {
    "TOKEN", "KEY", "APIKEY", "SECRET", "SECRETS", "PASSWORD", "PASSWD", "PASSPHRASE", "CREDENTIAL",
    "CREDENTIALS", "PAT",
}  # fmt: skip
_SHORTEST = 8  # characters: below it, a literal is a setting that happens to be called a key
_BY_NAME = "write env_from: [WANDB_API_KEY]: names, whose values the shell has"


class Environment(NamedTuple):
    """`env`: text by text. `env_from`: the shell's variable for each of the training's."""

    env: dict[str, str]
    env_from: dict[str, str]


def read_environment(section: Section, command: tuple[str, ...]) -> Environment:
    """Both keys; `command` is looked through for what must not stand in an argument."""
    found = Environment(_read_env(section), _read_env_from(section))
    for name in found.env.keys() & found.env_from.keys():
        section.fault("env_from", f"{name} is also given under env", "keep one of the two")
    secret = {*found.env_from, *found.env_from.values()}
    for name in dict.fromkeys(name for token in command for name in _ENVVAR.findall(token)):
        if name in secret:
            section.fault(
                "env_from",
                f"{name} also stands in the command as ${{envvar:{name}}}, where `ps` shows its "
                "value to everybody",
                "remove it there: the training finds it in its environment",
            )
    return found


def _read_env(section: Section) -> dict[str, str]:
    """Extra environment of every trial: text by text; numbers are taken as written."""
    inner = section.section("env")
    if inner is None:
        return {}
    env: dict[str, str] = {}
    for name, node in inner.node.entries.items():
        if not name or "=" in name:
            inner.fault(name, "is no name for an environment variable")
        elif _RESERVED.match(name):
            inner.fault(name, "is set by tuiswp for each trial", "remove it")
        else:
            text = section.reader.text(node, inner.at(name))
            if text is not None:
                env[name] = text
    return env


def _read_env_from(section: Section) -> dict[str, str]:
    """A list of names, or names by the names they have in the shell; one name is short for a list.

    No message quotes what stands there unless it is a name: it may be a value, written by mistake.
    """
    node = section.get("env_from")
    if node is None:
        return {}
    if isinstance(node, Keyed):
        pairs = list(node.entries.items())
    else:
        pairs = [("", item) for item in (node.items if isinstance(node, Items) else [node])]
    found: dict[str, str] = {}
    for given, item in pairs:
        name = _name_of(section, item)
        target = given or name
        if name is None or target is None:
            continue
        if not _NAME.fullmatch(target):
            section.fault("env_from", "has a key that is no name of a variable", _BY_NAME)
        elif _RESERVED.match(target):
            section.fault("env_from", f"{target} is set by tuiswp for each trial", "remove it")
        else:
            found[target] = name
    if not found and not pairs:
        section.fault("env_from", "is empty", _BY_NAME)
    return found


def _name_of(section: Section, node: Node) -> str | None:
    line, path = node.line, section.at("env_from")
    if not isinstance(node, Leaf) or node.value is None:
        section.reader.fault(line, path, f"must name variables, not {kind_of(node)}", _BY_NAME)
        return None
    name = node.text.strip()
    if "=" in name:
        what = "has a value, and this file keeps what it says"
        section.reader.fault(line, path, what, "write the name alone, and export it in the shell")
        return None
    if not _NAME.fullmatch(name):
        section.reader.fault(line, path, "has what is no name of a variable", _BY_NAME)
        return None
    return name


def unset(run: Run, environ: Mapping[str, str]) -> tuple[str, ...]:
    """The shell's variables that `env_from` names and that are not set, or empty."""
    return tuple(dict.fromkeys(name for name in run.env_from.values() if not environ.get(name)))


def unset_problem(sweep: Sweep, environ: Mapping[str, str]) -> SpecError | None:
    """Why a sweep cannot begin in this shell, or None."""
    names = unset(sweep.run, environ)
    if not names:
        return None
    line = sweep.lines.get("tuiswp")
    place = sweep.source if line is None else f"{sweep.source}:{line}"
    return SpecError(
        f"{_listed(names)} not set in this shell",
        where=f"{place}: tuiswp.env_from",
        hint=f"{' '.join(f'export {name}=…;' for name in names)} and start again",
    )


def unset_words(names: tuple[str, ...], *, host: str, spoken: str) -> str:
    """Why nothing is launched, for whoever looks at a sweep that waits for a variable."""
    return (
        f"{_listed(names)} not set where the controller was started, on {host}; "
        f"export {'it' if len(names) == 1 else 'them'} and type `tuiswp resume {spoken}` there"
    )


def _listed(names: tuple[str, ...]) -> str:
    return f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'}"


def sounds_secret(name: str) -> bool:
    """Whether a variable's name says that its value is nobody else's business.

    >>> [sounds_secret(name) for name in ("WANDB_API_KEY", "hf_token", "TOKENIZERS_PARALLELISM")]
    [True, True, False]
    """
    return not _SECRET_WORDS.isdisjoint(name.upper().split("_"))


def environment_warnings(sweep: Sweep) -> list[str]:
    """Secrets that the file keeps or the command line shows, one line each; never an error."""
    warnings = [
        f"tuiswp.env: {visible(name, limit=60)} looks like a secret, and the sweep's copy of this "
        f"file keeps its value; write `env_from: [{visible(name, limit=60)}]` instead, and export "
        "it in the shell"
        for name, value in sweep.run.env.items()
        if is_secret(name, value)
    ]
    named = (name for token in sweep.run.command for name in _ENVVAR.findall(token))
    warnings += [
        f"command: ${{envvar:{name}}} puts its value where `ps` shows it to everybody; the "
        f"training finds it in its environment (tuiswp.env_from: [{name}])"
        for name in dict.fromkeys(named)
        if sounds_secret(name)
    ]
    return warnings


def is_secret(name: str, value: str) -> bool:
    """Whether nobody else is to see what a variable is set to; a path or a number may be seen."""
    if not sounds_secret(name):
        return False
    return len(value) >= _SHORTEST and not value.isdigit() and "/" not in value and " " not in value


def shown_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """`environ` for a command line that is only shown: secrets stand there by their names."""
    return {
        name: f"‹{name}›" if is_secret(name, value) else value for name, value in environ.items()
    }

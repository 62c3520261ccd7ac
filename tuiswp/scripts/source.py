"""Defaults that a script's help does not tell, read from its text. The text is parsed, never run.

Plain argparse and click leave defaults out of their help; in `add_argument("--lr", default=1e-3)`
they stand as they are. What is computed stays unknown.
"""

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from tuiswp.model.space import Value
from tuiswp.scripts.options import NAME, Interface, ScriptOption

_LIMIT = 2 << 20  # bytes; no training script is larger
_CALLS = {"add_argument", "option", "Option"}


def script_of(argv: Sequence[str], cwd: Path) -> Path | None:
    """The Python file that a command runs: `… train.py …` or `… -m package.train …`."""
    for at, word in enumerate(argv):
        if word == "-m" and at + 1 < len(argv) and not argv[at + 1].startswith("-"):
            base = cwd.joinpath(*argv[at + 1].split("."))
            places = (base.with_suffix(".py"), base / "__main__.py")
            found = next((place for place in places if place.is_file()), None)
            if found is not None:
                return found
        elif word.endswith(".py"):
            place = cwd / word
            return place if place.is_file() else None
    return None


def options_in(path: Path) -> tuple[ScriptOption, ...]:
    """The options whose declaration is in this file; empty if it cannot be read or parsed."""
    tree = _parsed(path)
    return () if tree is None else tuple(_declared(tree))


def _parsed(path: Path) -> ast.Module | None:
    try:
        with path.open("rb") as file:
            return ast.parse(file.read(_LIMIT))
    except (OSError, ValueError, SyntaxError, RecursionError, MemoryError):
        return None


def wandb_config_in(path: Path) -> tuple[ScriptOption, ...]:
    """What `wandb.init(config=…)` in this file gives as it stands: a sweep's values win over it."""
    tree = _parsed(path)
    if tree is None:
        return ()
    named = {
        target.id: node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "wandb.init":
            given = next((one.value for one in node.keywords if one.arg == "config"), None)
            if isinstance(given, ast.Name):
                given = named.get(given.id)
            return tuple(_entries(given))
    return ()


def _entries(node: ast.expr | None) -> Iterator[ScriptOption]:
    """The entries of `{"lr": 1e-3}` or `dict(lr=1e-3)`."""
    pairs: list[tuple[object, ast.expr]] = []
    if isinstance(node, ast.Dict):
        pairs = [(_literal(key), value) for key, value in zip(node.keys, node.values, strict=True)]
    elif isinstance(node, ast.Call) and ast.unparse(node.func) == "dict":
        pairs = [(one.arg, one.value) for one in node.keywords]
    for name, value in pairs:
        if isinstance(name, str) and re.fullmatch(NAME, name):
            yield ScriptOption(name, default=_scalar(value))


def completed(interface: Interface, source: Sequence[ScriptOption]) -> tuple[Interface, bool]:
    """`interface` with the defaults it lacks from the script's text, and whether there were any."""
    known = {name: one.default for one in source for name in (one.name, *one.also)}
    done = []
    for one in interface.options:
        if one.default is None and not one.flag:
            names = (one.name, *one.also)
            default = next((known[name] for name in names if known.get(name) is not None), None)
            one = msgspec.structs.replace(one, default=default)
        done.append(one)
    options = tuple(done)
    return msgspec.structs.replace(interface, options=options), options != interface.options


def _declared(tree: ast.Module) -> Iterator[ScriptOption]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = getattr(node.func, "attr", getattr(node.func, "id", ""))
        words = [arg.value for arg in node.args if isinstance(arg, ast.Constant)]
        flags = [word for word in words if isinstance(word, str) and word.startswith("-")]
        long = [flag[2:].split("/")[0] for flag in flags if flag.startswith("--")]
        if called not in _CALLS or not long:
            continue
        given = {key.arg: key.value for key in node.keywords if key.arg is not None}
        action = _literal(given.get("action"))
        flag = isinstance(action, str) and action.startswith(("store_", "count", "version"))
        yield ScriptOption(
            long[0],
            default=_scalar(given.get("default")),
            flag=flag or _literal(given.get("is_flag")) is True,
            required=_literal(given.get("required")) is True,
            short=tuple(flag for flag in flags if not flag.startswith("--")),
            also=tuple(long[1:]),
        )


def _scalar(node: ast.expr | None) -> Value:
    value = _literal(node)
    return value if isinstance(value, str | int | float) else None


def _literal(node: ast.expr | None) -> object:
    if node is None:
        return None
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, RecursionError, MemoryError):
        return None

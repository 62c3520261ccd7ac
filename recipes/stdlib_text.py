"""Real text that every Python installation carries: the standard library's own sources.

`sources` is what the embedded base model reads; `pairs_file` is the default data of `sl_loop`,
signatures with the first paragraph of their docstrings. Deterministic for one Python version.
"""

import ast
import json
import platform
import sysconfig
import warnings
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from recipes.cache import cached

_VERSION = 1  # raise it when the text or the pairs change
_LEFT_OUT = {
    "__pycache__", "dist-packages", "idlelib", "lib2to3", "site-packages", "test", "tests",
    "turtledemo",
}  # fmt: skip
# Bytes of a prompt and of a completion: short enough that one step is fast on one core.
_PROMPT_BYTES = 80
_COMPLETION_BYTES = 8, 80


def sources() -> Iterator[str]:
    """The standard library's modules, tests left out, in the order of their paths."""
    root = Path(sysconfig.get_path("stdlib"))
    for file in sorted(root.rglob("*.py")):
        if not _LEFT_OUT.intersection(file.relative_to(root).parts):
            yield file.read_text("utf-8", "replace")


def pairs() -> Iterator[tuple[str, str]]:
    """Each pair once: `def name(args):` with the opening quotes, and what the docstring says."""
    seen: set[tuple[str, str]] = set()
    least, most = _COMPLETION_BYTES
    for text in sources():
        for node in ast.walk(_parsed(text)):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            prompt = f'def {node.name}({ast.unparse(node.args)}):\n    """'
            completion = (ast.get_docstring(node) or "").split("\n\n")[0].strip()
            fits = len(prompt.encode()) <= _PROMPT_BYTES
            fits = fits and least <= len(completion.encode()) <= most
            if fits and (prompt, completion) not in seen:
                seen.add((prompt, completion))
                yield prompt, completion


def pairs_file() -> Path:
    """The pairs as a JSONL file of `prompt` and `completion`, written once and kept in the cache.

    Parsing the library takes some seconds, which every trial would pay again.
    """
    key = sha256(f"{_VERSION} {platform.python_version()}".encode()).hexdigest()[:12]
    return cached(f"pairs-{key}", _write) / "pairs.jsonl"


def _write(directory: Path) -> None:
    print("drawing signature and docstring pairs from the standard library (once)", flush=True)
    with (directory / "pairs.jsonl").open("w", encoding="utf-8") as file:
        for prompt, completion in pairs():
            file.write(json.dumps({"prompt": prompt, "completion": completion}) + "\n")


def _parsed(text: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an old escape in somebody's docstring is not our news
        try:
            return ast.parse(text)
        except (SyntaxError, ValueError):  # a template, not a module
            return ast.Module(body=[], type_ignores=[])

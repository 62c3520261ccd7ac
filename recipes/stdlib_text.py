"""Real text that every Python installation carries: the standard library's own sources.

`sources` is what the embedded base model reads; `pairs_file` is the default data of `sl_loop`,
signatures with the first paragraph of their docstrings; `lines_files` that of `classify`, lines of
English labelled by where they stand. Deterministic for one Python version.
"""

import ast
import io
import json
import platform
import random
import re
import sysconfig
import tokenize
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
_WORDS = re.compile(r"[A-Za-z]{2,}")
_LONGEST_LINE = 120
_HELD_OUT_EVERY = 5  # modules


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


def lines() -> Iterator[tuple[str, str, bool]]:
    """Each line of English once, `comment` or `docstring`, and whether it is to judge by.

    Whole modules are held out, so that no comment is judged by its own second line. What stands in
    both kinds of place, or in modules on both sides, is left out, as is what has no three words.
    """
    where: dict[str, set[tuple[str, bool]]] = {}
    for number, text in enumerate(sources()):
        for kind, line in _english(text):
            if len(_WORDS.findall(line)) >= 3 and len(line) <= _LONGEST_LINE:
                where.setdefault(line, set()).add((kind, number % _HELD_OUT_EVERY == 0))
    for line, found in where.items():
        if len(found) == 1:
            yield line, *next(iter(found))


def lines_files() -> tuple[Path, Path]:
    """JSONL files of `text` and `label` to learn from and to judge by: as many of each label."""
    key = sha256(f"{_VERSION} {platform.python_version()}".encode()).hexdigest()[:12]
    place = cached(f"lines-{key}", _write_lines)
    return place / "train.jsonl", place / "eval.jsonl"


def _write_lines(directory: Path) -> None:
    print("drawing comments and docstrings from the standard library (once)", flush=True)
    found: dict[tuple[bool, str], list[str]] = {}
    for line, kind, judges in lines():
        found.setdefault((judges, kind), []).append(line)
    for name, judges, most in (("train", False, 6000), ("eval", True, 1000)):
        kinds = {kind: of for (which, kind), of in found.items() if which == judges}
        count = min(most, *(len(of) for of in kinds.values()))
        order = random.Random(name)
        chosen = [
            {"text": line, "label": kind}
            for kind in sorted(kinds)
            for line in order.sample(kinds[kind], count)
        ]
        order.shuffle(chosen)
        with (directory / f"{name}.jsonl").open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in chosen)


def _english(text: str) -> Iterator[tuple[str, str]]:
    """The lines of a module's comments that stand alone, and of its docstrings, without marks."""
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    except (SyntaxError, tokenize.TokenError):
        return
    for token in tokens:
        if token.type == tokenize.COMMENT and token.line.lstrip().startswith("#"):
            yield "comment", token.string.lstrip("#!:").strip()
    for node in ast.walk(_parsed(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            for line in (ast.get_docstring(node) or "").splitlines():
                yield "docstring", line.strip()


def _parsed(text: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an old escape in somebody's docstring is not our news
        try:
            return ast.parse(text)
        except (SyntaxError, ValueError):  # a template, not a module
            return ast.Module(body=[], type_ignores=[])

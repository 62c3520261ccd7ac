"""The configuration of a hydra application as `--cfg job` prints it: YAML, one option a leaf."""

import re
from collections.abc import Iterator
from typing import ClassVar

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from tuiswp.scripts.options import NAME, Interface, ScriptOption

_DEPTH = 8


class Hydra:
    """See `families.base.Family`."""

    name: ClassVar[str] = "hydra"
    asks: ClassVar[tuple[str, ...]] = ("--cfg", "job")

    def recognises(self, help_text: str) -> bool:
        return "powered by hydra" in help_text.lower() or "--hydra-help" in help_text

    def read(self, text: str) -> Interface:
        _, config, below = text.partition("== Config ==")
        if config:  # of the help itself
            text = _config_of(below)
        return Interface(
            self.name,
            tuple(_leaves(_loaded(text))),
            macro="${args_no_hyphens}",
            scratch=("hydra.run.dir=${trial_dir}/hydra",),
        )


def _config_of(below: str) -> str:
    """Help has a sentence above the configuration, and what it ends with below."""
    blocks = [block for block in below.split("\n\n") if block.strip()]
    return max(blocks[:2], key=lambda block: len(re.findall(r"^\S+:", block, re.M)), default="")


def _loaded(text: str) -> object:
    try:
        return YAML(typ="safe", pure=True).load(text)
    except (YAMLError, ValueError, RecursionError):
        return None


def _leaves(node: object, path: tuple[str, ...] = ()) -> Iterator[ScriptOption]:
    if not isinstance(node, dict) or len(path) > _DEPTH:
        return
    for key, value in node.items():
        name = ".".join((*path, str(key)))
        if isinstance(value, dict):
            yield from _leaves(value, (*path, str(key)))
        elif re.fullmatch(NAME, name) and isinstance(value, str | int | float | None):
            missing = value == "???"
            known = None if missing else value
            yield ScriptOption(name, default=known, required=missing)

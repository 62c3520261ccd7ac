"""Scripts that take `name=value` words and list them: `  lr=0.001   float`, as our recipes do."""

import re
from collections.abc import Iterator
from typing import ClassVar

from tuiswp.scripts.options import NAME, Interface, ScriptOption, typed

_LINE = re.compile(rf" {{1,8}}({NAME})=(\S*)\s+(str|int|float|bool)\s*$", re.MULTILINE)


class KeyValues:
    """See `families.base.Family`."""

    name: ClassVar[str] = "name=value words"
    asks: ClassVar[tuple[str, ...]] = ()

    def recognises(self, help_text: str) -> bool:
        return _LINE.search(help_text) is not None

    def read(self, text: str) -> Interface:
        return Interface(self.name, tuple(_options(text)), macro="${args_no_hyphens}")


def _options(text: str) -> Iterator[ScriptOption]:
    for name, default, kind in _LINE.findall(text):
        value = typed(default)
        if kind == "float" and isinstance(value, int):
            value = float(value)
        yield ScriptOption(name, default=value if kind != "str" else default or None)

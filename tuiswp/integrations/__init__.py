"""Report from a trainer that others wrote: nothing is loaded but the library that is used.

    from tuiswp.integrations import TuiswpCallback   # transformers: Trainer(callbacks=[…])
    from tuiswp.integrations import TuiswpLogger     # lightning: Trainer(logger=…)

Both write what `tuiswp.report.log` writes, and nothing else. Asked to stop, both save a checkpoint
and leave with exit code 143.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tuiswp.integrations.huggingface import TuiswpCallback
    from tuiswp.integrations.lightning_logger import TuiswpLogger

__all__ = ["TuiswpCallback", "TuiswpLogger"]

_WHERE = {"TuiswpCallback": "huggingface", "TuiswpLogger": "lightning_logger"}


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_WHERE[name]}"), name)

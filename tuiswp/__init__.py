"""Hyperparameter sweeps in your terminal, and from Python: `run_sweep`, `start_sweep`, `collect`.

The root loads nothing: each name brings its module when it is first used.
"""

import importlib
from typing import Any

__version__ = "0.1.0"

# name → (module, what it is called there; "" is the module itself)
_LAZY = {
    "run_sweep": ("tuiswp.api", "run_sweep"),
    "start_sweep": ("tuiswp.api", "start_sweep"),
    "collect": ("tuiswp.api", "collect"),
    "SweepHandle": ("tuiswp.api", "SweepHandle"),
    "SweepResult": ("tuiswp.api", "SweepResult"),
    "TuiswpError": ("tuiswp.errors", "TuiswpError"),
    "NoResult": ("tuiswp.errors", "NoResult"),
    "SweepPaused": ("tuiswp.errors", "SweepPaused"),
    "report": ("tuiswp.report", ""),
    "integrations": ("tuiswp.integrations", ""),
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'tuiswp' has no attribute {name!r}")
    module, attribute = _LAZY[name]
    found = importlib.import_module(module)
    return getattr(found, attribute) if attribute else found


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})

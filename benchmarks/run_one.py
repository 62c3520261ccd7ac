"""Run one measurement and write its rows as JSON: `python -m benchmarks.run_one NAME FILE`.

Only for `benchmarks.__main__`, which starts it in a process of its own.
"""

import importlib
import sys
from pathlib import Path

import msgspec

if __name__ == "__main__":
    script = importlib.import_module(f"benchmarks.bench_{sys.argv[1]}")
    Path(sys.argv[2]).write_bytes(msgspec.json.encode(script.main()))

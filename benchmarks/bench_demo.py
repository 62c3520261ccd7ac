"""What `make demo` runs after installation, from nothing: no sweep, no cached base model."""

import os
import time

from benchmarks.rows import Row, at_most, exactly
from benchmarks.world import ROOT, private_world, state_of, tuiswp

TRIALS = 7


def main() -> list[Row]:
    """The whole command, base model included; takes minutes."""
    with private_world() as place:
        os.environ["XDG_CACHE_HOME"] = str(place / "cache")
        sweep = place / "lr-sweep"
        started = time.monotonic()
        done = tuiswp("--batch", "--dir", sweep, "recipes/lr_sweep.yaml", cwd=ROOT)
        minutes = (time.monotonic() - started) / 60
        trials = list(state_of(sweep).trials.values()) if sweep.exists() else []
    return [
        at_most("the demo, cache and sweep empty", minutes, 4, "min", places=2),
        exactly("demo: trials done", sum(trial.state == "done" for trial in trials), TRIALS),
        exactly("demo: exit code", done.returncode, 0),
    ]

"""Measure anew what takes minutes: `python -m benchmarks.search.remeasure`, or `make bench-search`.

Only that is written down, as JSON under `results/`; `python -m benchmarks search` prints it.
"""

import argparse
import os

from benchmarks.search import store
from tuiswp.search.ahead import ONE_THREAD

PARTS = ("regret", "curves")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=list(PARTS))
    parser.add_argument("--jobs", type=int)
    asked = parser.parse_args()
    os.environ |= ONE_THREAD  # as the sampler's process has it; read when numpy and torch load
    from benchmarks.search import curves, regret

    if "regret" in asked.parts:
        about = {
            "budgets": list(regret.BUDGETS),
            "first_seed": regret.FIRST_SEED,
            "parallel": regret.PARALLEL,
        }
        for found in regret.measure(asked.jobs):
            store.save("regret", {**about, "regret": found})
    if "curves" in asked.parts:
        used = curves.measure(asked.jobs)
        store.save("curves", {"orders": curves.ORDERS, "workers": curves.WORKERS, "used": used})


if __name__ == "__main__":
    main()

"""Measure anew what takes minutes: `python -m benchmarks.search.remeasure`, or `make bench-search`.

Only that is written down, as JSON under `results/`; `python -m benchmarks search` prints it.
"""

from benchmarks.search import curves, regret, store


def main() -> None:
    found = regret.measure([*regret.BARRED, "cmaes"])
    store.save(
        "regret",
        {
            "seeds": regret.SEEDS,
            "budgets": list(regret.BUDGETS),
            "first_seed": regret.FIRST_SEED,
            "parallel": regret.PARALLEL,
            "regret": found,
        },
    )
    store.save(
        "curves", {"orders": curves.ORDERS, "workers": curves.WORKERS, "used": curves.measure()}
    )


if __name__ == "__main__":
    main()

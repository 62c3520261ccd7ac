"""What an objective of a person's own costs: microseconds a row, while a trial runs.

    python -m benchmarks.bench_expression

CPU time of this process over 100,000 rows, the best of three rounds.
"""

import time

from benchmarks.rows import Row, noted
from tuiswp.expression.checks import as_curve
from tuiswp.expression.curve import Evaluation
from tuiswp.expression.parser import parse

ROWS = 100_000
ROUNDS = 3
TEXTS = (
    "mean(val_loss, 10) + 0.1 * (val_loss - train_loss)",
    "endweight(val_loss, 1.05) * diff(train_loss)",
    "std(val_loss, 100)",
)


def main() -> list[Row]:
    """Print one line a measurement and return them."""
    rows = [noted(f"{text}, {ROWS:,} rows", f"{per_row(text):.2f} us a row") for text in TEXTS]
    for name, value, _, _ in rows:
        print(f"{name}: {value}")
    return rows


def per_row(text: str) -> float:
    """Least CPU microseconds a row."""
    tree = as_curve(parse(text), text)
    spent = []
    for _ in range(ROUNDS):
        one = Evaluation(tree)
        rows = [[1.0 / (i + 1), 0.5 / (i + 1)][: len(one.columns)] for i in range(ROWS)]
        began = time.process_time()
        for step, row in enumerate(rows):
            one.push(float(step), row)
        spent.append(time.process_time() - began)
    return min(spent) / ROWS * 1e6


if __name__ == "__main__":
    main()

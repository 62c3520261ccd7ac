"""Train what the benchmark of early stopping replays: `python -m benchmarks.search.train_curves`.

`digits`: 300 random configurations of small networks on scikit-learn's handwritten digits, 60
epochs each, judged after every epoch on digits that were held out. `embedded`: random
configurations of the recipe's fine-tuning of its embedded language model, the training loss in
blocks of steps. One row of a parquet file a configuration: its parameters, and its curves as lists.
"""

import argparse
import json
import math
import os
import random
import subprocess
import sys
import tempfile
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd

DATA = Path(__file__).parent / "curves_data"
EPOCHS = 60
STEPS, BLOCK = 48, 2


def digits_params(number: int) -> dict[str, Any]:
    """A random configuration: the best lie inside, and much of the space is poor or diverges."""
    draw = random.Random(f"digits {number}")
    return {
        "lr": 10 ** draw.uniform(-5, 0.3),
        "optimizer": draw.choice(["sgd", "adam"]),
        "momentum": draw.uniform(0.0, 0.98),
        "batch_size": draw.choice([16, 32, 64, 128, 256]),
        "alpha": 10 ** draw.uniform(-6, 1),
        "width": int(2 ** draw.uniform(2, 6)),
        "layers": draw.choice([1, 2, 3]),
        "activation": draw.choice(["relu", "tanh", "logistic"]),
    }


def train_digits(number: int) -> dict[str, Any]:
    from sklearn.datasets import load_digits
    from sklearn.metrics import log_loss
    from sklearn.neural_network import MLPClassifier

    params = digits_params(number)
    x, y = load_digits(return_X_y=True)
    order = list(range(len(y)))
    random.Random(0).shuffle(order)
    x = x[order] / 16.0 - 0.5
    y = y[order]
    train, held = slice(0, 500), slice(500, None)
    model = MLPClassifier(
        (params["width"],) * params["layers"],
        activation=params["activation"],
        solver=params["optimizer"],
        alpha=params["alpha"],
        batch_size=params["batch_size"],
        learning_rate_init=params["lr"],
        momentum=params["momentum"],
        random_state=number,
    )
    rows: dict[str, list[float]] = {"seconds": [], "val_loss": [], "val_accuracy": []}
    began = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(EPOCHS):
            try:
                model.partial_fit(x[train], y[train], classes=range(10))
                chances = model.predict_proba(x[held])
                loss = log_loss(y[held], chances, labels=range(10))
            except ValueError:  # diverged
                break
            if not math.isfinite(loss):
                break
            rows["seconds"].append(round(time.process_time() - began, 4))
            rows["val_loss"].append(float(f"{loss:.5g}"))
            rows["val_accuracy"].append(round(float((chances.argmax(1) == y[held]).mean()), 5))
    return {"params": params, **rows}


def embedded_params(number: int) -> dict[str, Any]:
    draw = random.Random(f"embedded {number}")
    return {
        "learning_rate": 10 ** draw.uniform(-5, -0.7),
        "lora_rank": draw.choice([1, 2, 4, 8, 16, 32]),
        "batch_size": draw.choice([2, 4]),
    }


def train_embedded(number: int) -> dict[str, Any]:
    """Steps in blocks: the mean training loss of each, since one batch is noise."""
    params = embedded_params(number)
    with tempfile.TemporaryDirectory() as folder:
        given = {**params, "max_steps": STEPS, "seed": 0, "log_path": folder}
        subprocess.run(
            [sys.executable, "-m", "recipes.sl_loop", *(f"{k}={v}" for k, v in given.items())],
            check=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"},
        )
        lines = (Path(folder) / "metrics.jsonl").read_text().splitlines()
    losses = [row["train_mean_nll"] for row in map(json.loads, lines) if "train_mean_nll" in row]
    blocks = [losses[at : at + BLOCK] for at in range(0, len(losses) - BLOCK + 1, BLOCK)]
    kept = []
    for block in blocks:
        if any(value is None or not math.isfinite(value) for value in block):
            break
        kept.append(float(f"{sum(block) / len(block):.5g}"))
    return {"params": params, "loss": kept}


WORK = {"digits": (train_digits, 300), "embedded": (train_embedded, 24)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*WORK, []], default=list(WORK))
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    asked = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    DATA.mkdir(exist_ok=True)
    for name in asked.names or list(WORK):
        train, count = WORK[name]
        with ProcessPoolExecutor(asked.jobs) as workers:
            found = list(workers.map(train, range(count)))
        path = DATA / f"{name}.parquet"
        rows = [{**one.pop("params"), **one} for one in found]
        pd.DataFrame(rows).to_parquet(path, compression="zstd", index=False)
        print(f"{path}: {count} curves, {path.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()

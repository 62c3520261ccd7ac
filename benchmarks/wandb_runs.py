"""Offline W&B runs that grow, for LEET to look at. Run by the Python that has wandb.

    python wandb_runs.py FOLDER COUNT PREFILL RATE

The same curves as the runs of `bench_tui`, and `aclock`, the second of the day a line was written.
It says READY when the runs are there, and writes until its stdin is closed.
"""

import math
import os
import random
import sys
import threading
import time


def main(folder: str, count: int, prefill: int, rate: float) -> None:
    os.environ.update(WANDB_MODE="offline", WANDB_SILENT="true", WANDB_DIR=folder)
    import wandb  # type: ignore[import-not-found,unused-ignore]  # not one of ours

    settings = wandb.Settings(console="off", x_disable_stats=True, x_disable_meta=True)
    runs = [
        wandb.init(
            project="bench",
            name=f"trial-{number:03d}",
            dir=folder,
            reinit="create_new",
            settings=settings,
            config={"lr": 10.0 ** -(1 + number % 4), "width": 64 << number % 3, "seed": number},
        )
        for number in range(count)
    ]
    for step in range(prefill):
        log(runs, step)
    print("READY", flush=True)
    over = threading.Event()

    def wait() -> None:
        sys.stdin.read()
        over.set()

    threading.Thread(target=wait, daemon=True).start()
    began, step = time.monotonic(), prefill
    while not over.wait(max(0.0, began + (step - prefill) / rate - time.monotonic())):
        log(runs, step)
        step += 1
    os._exit(0)  # the runs stay unfinished, as runs that are looked at are


def log(runs: list[object], step: int) -> None:
    for number, run in enumerate(runs):
        loss = 0.2 + 2.3 / (1.0 + step * 10.0 ** -(1 + number % 4)) + random.gauss(0.0, 0.03)
        values = {
            "train/loss": loss,
            "val/loss": 1.1 * loss,
            "val/acc": 1.0 - loss / 2.8,
            "lr": 10.0 ** -(1 + number % 4) * (0.5 + 0.5 * math.cos(step / 500)),
            "grad/norm": abs(random.gauss(1.0, 0.3)),
            "aclock": round(time.time() % 86400.0, 2),
        }
        run.log(values, step=step)  # type: ignore[attr-defined]


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))

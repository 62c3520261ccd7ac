"""A trainer as people write them: argparse, defaults not in its help, rows in metrics.jsonl."""

import argparse
import json
import math
import os
import time
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description="Train a small thing.")
    parser.add_argument("data", nargs="?", default="corpus", help="where the data is")
    parser.add_argument("-e", "--epochs", type=int, default=3)
    optimizer = parser.add_argument_group("optimizer")
    optimizer.add_argument(
        "-l", "--lr", "--learning-rate", dest="lr", type=float, default=1e-3, help="learning rate"
    )
    optimizer.add_argument("--weight_decay", type=float, default=0.0, help="L2 (default: 0.0)")
    parser.add_argument("--batch-size", type=int, default=32, metavar="N", help="rows a step")
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--optimizer", choices=["sgd", "adamw"], default="adamw", help="which")
    parser.add_argument("--betas", type=float, nargs=2, default=(0.9, 0.999), help="of adam")
    parser.add_argument("--fp16", action="store_true", help="half precision")
    parser.add_argument("--shuffle", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--seconds", type=float, default=0.0, help="a pause after each epoch")
    parser.add_argument("--out", required=True, help="where to write")
    arguments = parser.parse_args()
    Path(arguments.out).mkdir(parents=True, exist_ok=True)
    for epoch in range(1, arguments.epochs + 1):
        loss = math.log10(arguments.lr / 1e-3) ** 2 + 1 / epoch
        row = {"step": epoch, "loss": loss, "eval_acc": 1 / (1 + loss), "lr": arguments.lr}
        with open(os.environ["TUISWP_METRICS"], "a", encoding="utf-8") as file:  # noqa: PTH123
            file.write(json.dumps(row) + "\n")
        time.sleep(arguments.seconds)


if __name__ == "__main__":
    main()

"""A training script as people have them who use W&B: it knows nothing of tuiswp.

    python recipes/wandb_train.py                   with its own defaults
    tuiswp recipes/wandb_sweep.yaml                 as a sweep, offline

A small network learns to tell two spirals apart. Needs numpy and wandb.
"""

import numpy as np
import wandb

EPOCHS = 27
STEPS = 1_500  # an epoch


def spirals(points: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Points of two arms that wind around each other, and which arm each is of."""
    chance = np.random.default_rng(seed)
    arm = chance.integers(0, 2, points)
    turn = np.sqrt(chance.random(points)) * 2.5 * np.pi
    angle = turn + np.pi * arm
    place = np.stack([np.cos(angle), np.sin(angle)], 1) * turn[:, None] / 8
    return place + chance.normal(0, 0.03, place.shape), arm


class Network:
    """One hidden layer of tanh units, trained by gradient descent with momentum."""

    def __init__(self, hidden: int, seed: int) -> None:
        chance = np.random.default_rng(seed)
        self.weights = [
            chance.normal(0, 2.0, (2, hidden)), chance.normal(0, 1.0, hidden),
            chance.normal(0, hidden**-0.5, hidden), np.zeros(1),
        ]  # fmt: skip
        self.speed = [np.zeros_like(one) for one in self.weights]

    def probability(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        a, b, c, d = self.weights
        inner = np.tanh(x @ a + b)
        return 1 / (1 + np.exp(-np.clip(inner @ c + d, -30, 30))), inner

    def step(self, x: np.ndarray, y: np.ndarray, lr: float, momentum: float) -> None:
        found, inner = self.probability(x)
        error = (found - y) / len(y)
        back = error[:, None] * self.weights[2] * (1 - inner**2)
        slopes = [x.T @ back, back.sum(0), inner.T @ error, error.sum(keepdims=True)]
        for one, speed, slope in zip(self.weights, self.speed, slopes, strict=True):
            speed *= momentum
            speed -= lr * slope
            one += speed

    def judge(self, x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
        """Loss and accuracy."""
        found, _ = self.probability(x)
        right = np.where(y == 1, found, 1 - found)
        return float(-np.log(np.maximum(right, 1e-9)).mean()), float((right > 0.5).mean())


def main() -> None:
    wandb.init(config={"lr": 0.1, "momentum": 0.9, "hidden": 16, "batch_size": 64, "seed": 0})
    config = wandb.config
    x, y = spirals(2_000, seed=1)
    val_x, val_y = spirals(1_000, seed=2)
    network = Network(config.hidden, config.seed)
    chance = np.random.default_rng(config.seed)
    for epoch in range(EPOCHS):
        for _ in range(STEPS):
            batch = chance.integers(0, len(x), config.batch_size)
            network.step(x[batch], y[batch], config.lr, config.momentum)
        loss, _ = network.judge(x, y)
        val_loss, accuracy = network.judge(val_x, val_y)
        wandb.log(
            {"epoch": epoch, "train": {"loss": loss}, "val_loss": val_loss, "val_acc": accuracy}
        )


if __name__ == "__main__":
    main()

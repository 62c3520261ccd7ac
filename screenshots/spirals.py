"""A small classifier of two interleaved spirals: the training that the pictures here are of.

`python spirals.py --learning_rate=0.1 --batch_size=64 --steps=3000`; numpy alone. Where the rate
is too high the loss runs away, and the training gives up with an error.
"""

import argparse

import numpy as np

from tuiswp import report

HIDDEN, POINTS, EVERY, WARM_UP, RAN_AWAY = 96, 4096, 20, 500, 60.0


def spirals(count: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Points in the plane, and which of the two arms each is on."""
    turn = 3.0 * np.pi * np.sqrt(random.random(count))
    arm = random.integers(0, 2, count)
    angle = turn + np.pi * arm
    points = np.stack([turn * np.cos(angle), turn * np.sin(angle)], 1) / (3.0 * np.pi)
    return points + random.normal(0.0, 0.02, points.shape), arm.astype(float)


class Net:
    """Two hidden layers of tanh, one logit; plain gradient descent with momentum."""

    def __init__(self, random: np.random.Generator) -> None:
        sizes = [(2, HIDDEN), (HIDDEN, HIDDEN), (HIDDEN, 1)]
        self.weights = [random.normal(0.0, n**-0.5, (n, m)) for n, m in sizes]
        self.biases = [np.zeros(m) for _, m in sizes]
        self.speed = [np.zeros_like(one) for one in (*self.weights, *self.biases)]

    def forward(self, points: np.ndarray) -> list[np.ndarray]:
        layers = [points * 4.0]
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            layers.append(np.tanh(layers[-1] @ weight + bias))
        return [*layers, (layers[-1] @ self.weights[-1] + self.biases[-1])[:, 0]]

    def step(self, points: np.ndarray, arms: np.ndarray, rate: float) -> tuple[float, float]:
        """One step downhill; the loss before it and the length of the gradient."""
        *layers, logits = self.forward(points)
        error = (1.0 / (1.0 + np.exp(-logits)) - arms)[:, None] / len(arms)
        by_weight, by_bias = [], []
        for n in reversed(range(len(self.weights))):
            by_weight.insert(0, layers[n].T @ error)
            by_bias.insert(0, error.sum(0))
            error = (error @ self.weights[n].T) * (1.0 - layers[n] ** 2)
        slopes = [*by_weight, *by_bias]
        for place, speed, slope in zip(
            (*self.weights, *self.biases), self.speed, slopes, strict=True
        ):
            speed *= 0.9
            speed += slope
            place -= rate * speed
        norm = float(np.sqrt(sum(float((slope**2).sum()) for slope in slopes)))
        return loss_of(logits, arms), norm


def loss_of(logits: np.ndarray, arms: np.ndarray) -> float:
    return float(np.mean(np.logaddexp(0.0, logits) - arms * logits))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--learning_rate", type=float, default=0.02)
    parser.add_argument("--batch_size", type=int, default=64)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    random = np.random.default_rng(given.seed)
    net = Net(random)
    seen, unseen = spirals(POINTS, random), spirals(POINTS, random)
    print(f"{POINTS} points, {sum(one.size for one in net.weights)} weights", flush=True)
    for step in range(1, given.steps + 1):
        rate = given.learning_rate * min(1.0, step / WARM_UP)
        rate *= 0.5 * (1.0 + np.cos(np.pi * step / given.steps))
        chosen = random.integers(0, POINTS, given.batch_size)
        loss, norm = net.step(seen[0][chosen], seen[1][chosen], rate)
        if not loss < RAN_AWAY:
            raise FloatingPointError(f"the loss ran away: {loss:.1f} at step {step}")
        if step % EVERY == 0:
            logits = net.forward(unseen[0])[-1]
            right = float(np.mean((logits > 0.0) == (unseen[1] > 0.5)))
            val = loss_of(logits, unseen[1])
            report.log(
                step=step, progress=step / given.steps, val_loss=val, train_loss=loss,
                val_accuracy=right, grad_norm=norm, learning_rate=float(rate),
            )  # fmt: skip
            if step % (10 * EVERY) == 0:
                print(f"step {step}/{given.steps}  val_loss {val:.4f}  {right:.1%}", flush=True)


if __name__ == "__main__":
    main()

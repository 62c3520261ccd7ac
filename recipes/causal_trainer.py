"""`Trainer` for causal language models whose evaluation loss is that of the tokens.

Trainer's own is the mean over batches, so that it depends on the batch size; this one is the summed
loss of all scored tokens by their number, the same however they are batched.
"""

from collections.abc import Sequence
from typing import Any

import torch
from transformers import Trainer, TrainingArguments

from recipes.pairs import Example, padded


class CausalTrainer(Trainer):  # type: ignore[misc]  # transformers is untyped here
    """Trains on `learn`; evaluates on `judge`, if given."""

    def __init__(
        self,
        model: Any,
        args: TrainingArguments,
        learn: Sequence[Example],
        judge: Sequence[Example] | None,
    ) -> None:
        super().__init__(
            model=model,
            args=args,
            data_collator=padded,
            train_dataset=learn,
            eval_dataset=judge,
            compute_metrics=_by_token,
            preprocess_logits_for_metrics=_sums,
        )

    def evaluation_loop(self, *args: Any, **how: Any) -> Any:
        found = super().evaluation_loop(*args, **how)
        prefix = how.get("metric_key_prefix", "eval")
        found.metrics[f"{prefix}_loss"] = found.metrics.pop(f"{prefix}_loss_by_token")
        return found


def _sums(logits: Any, labels: torch.Tensor) -> torch.Tensor:
    """For each sequence its summed loss and its scored tokens, in place of its logits."""
    if isinstance(logits, tuple):
        logits = logits[0]
    rows = []
    for one, wanted in zip(logits, labels, strict=True):  # one by one: float32 logits are large
        scored = wanted[1:]
        loss = torch.nn.functional.cross_entropy(one[:-1].float(), scored, reduction="sum")
        rows.append(torch.stack([loss, (scored != -100).sum().to(loss.dtype)]))
    return torch.stack(rows)


def _by_token(evaluated: Any) -> dict[str, float]:
    loss, tokens = evaluated.predictions.astype("float64").sum(axis=0)
    return {"loss_by_token": float(loss / tokens)}

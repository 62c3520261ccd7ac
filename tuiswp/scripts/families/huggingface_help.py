"""The help of a Hugging Face `HfArgumentParser` with `TrainingArguments`: argparse, and a Trainer.

It writes where `--output_dir` says, and logs every 500 steps unless it is told otherwise.
"""

import re
from typing import ClassVar

from tuiswp.scripts.families.argparse_help import options
from tuiswp.scripts.options import Interface

_SIGNS = ("--output_dir", "--per_device_train_batch_size", "--learning_rate")


class HuggingFace:
    """See `families.base.Family`."""

    name: ClassVar[str] = "Hugging Face Trainer"
    asks: ClassVar[tuple[str, ...]] = ()

    def recognises(self, help_text: str) -> bool:
        return all(re.search(rf"^\s+{sign}\b", help_text, re.MULTILINE) for sign in _SIGNS)

    def read(self, text: str) -> Interface:
        return Interface(
            self.name,
            tuple(options(text)),
            scratch=("--output_dir=${trial_dir}/out",),
            shorter=("--max_steps=8", "--logging_steps=1"),
        )

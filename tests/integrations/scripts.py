"""Training scripts as a person writes them, around a real trainer; run as commands by the tests."""

HUGGINGFACE = """
import torch
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments
from transformers.trainer_utils import get_last_checkpoint
import sys
known = set(sys.modules)
from tuiswp.integrations import TuiswpCallback
assert not {"lightning", "pytorch_lightning"} & (set(sys.modules) - known)

torch.manual_seed(0)
config = BertConfig(vocab_size=32, hidden_size=8, num_hidden_layers=1, num_attention_heads=1,
                    intermediate_size=8, max_position_embeddings=8)
ids = torch.randint(0, 32, (64, 8))
rows = [{"input_ids": row, "labels": row[0] % 2} for row in ids]
arguments = TrainingArguments(
    "out", max_steps=STEPS, eval_strategy="steps", eval_steps=5, save_strategy="no",
    logging_steps=1, report_to="none", use_cpu=True, disable_tqdm=True, dataloader_num_workers=1,
    dataloader_pin_memory=False,
)
trainer = Trainer(BertForSequenceClassification(config), arguments, train_dataset=rows * SIZE,
                  eval_dataset=rows[:8], callbacks=[TuiswpCallback()])
import os
trainer.train(resume_from_checkpoint=get_last_checkpoint("out") if os.path.isdir("out") else None)
print("trained to the end")
"""

LIGHTNING = """
import torch
from lightning.pytorch import LightningModule, Trainer
import sys
known = set(sys.modules)  # Lightning may load transformers itself
from tuiswp.integrations import TuiswpLogger
assert "transformers" not in set(sys.modules) - known

class Module(LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(4, 1)

    def training_step(self, batch):
        loss = self.layer(batch).square().mean()
        self.log("train/loss", loss)
        return loss

    def validation_step(self, batch):
        self.log("eval/loss", self.layer(batch).square().mean())

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.01)

torch.manual_seed(0)
loader = torch.utils.data.DataLoader(torch.randn(64 * SIZE, 4), batch_size=8, num_workers=1)
logger = TuiswpLogger()
trainer = Trainer(max_steps=STEPS, val_check_interval=5, limit_val_batches=1, log_every_n_steps=1,
                  logger=logger, accelerator="cpu", enable_progress_bar=False,
                  enable_checkpointing=False, enable_model_summary=False)
trainer.fit(Module(), loader, loader, ckpt_path=logger.resume_from)
print("trained to the end")
"""


def script(text: str, *, steps: int) -> str:
    """`text` that trains for so many optimizer steps, all within one epoch."""
    return text.replace("STEPS", str(steps)).replace("SIZE", str(steps // 8 + 1))

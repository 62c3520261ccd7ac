"""The command line of the Hugging Face examples: dataclasses and `TrainingArguments`."""

from dataclasses import dataclass, field

from transformers import HfArgumentParser, TrainingArguments


@dataclass
class ModelArguments:
    model_name_or_path: str = field(metadata={"help": "which model"})
    lora_rank: int = field(default=16, metadata={"help": "rank of the adapters"})
    use_fast: bool = field(default=True, metadata={"help": "the fast tokenizer"})


if __name__ == "__main__":
    print(HfArgumentParser((ModelArguments, TrainingArguments)).parse_args_into_dataclasses())

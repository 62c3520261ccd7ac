"""What a language model learns from: a JSONL file of prompt/completion pairs or of conversations.

Reads, tokenises and cuts; the first line that is wrong is quoted and ends the run with exit code 2.
Loads no model; torch only where a batch becomes tensors.
"""

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from recipes.arguments import fail


class Example(NamedTuple):
    """One tokenised pair: ids of prompt and completion together, and where the completion is."""

    ids: list[int]
    prompt_tokens: int
    completion_bytes: int


def load_examples(file: Path, tokenizer: Any, max_length: int) -> list[Example]:
    """Every pair of `file`, tokenised and cut to `max_length`.

    Leaves with exit code 2 at the first bad line, quoted, and if nothing is left to learn from.
    """
    examples, without_completion = [], 0
    with file.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                prompt, completion = read_pair(json.loads(line.decode("utf-8-sig")), tokenizer)
            except (ValueError, RecursionError) as fault:
                fail(f"{file}:{number}: {fault}: {line.rstrip()[:120]!r}")
            example = tokenised(prompt, completion, tokenizer, max_length)
            if example.prompt_tokens < len(example.ids):
                examples.append(example)
            else:
                without_completion += 1
    if without_completion:
        print(
            f"{without_completion} prompts fill max_length={max_length} and are left out",
            flush=True,
        )
    if not examples:
        fail(f"{file}: no line with a completion within max_length={max_length}")
    return examples


def read_pair(record: Any, tokenizer: Any) -> tuple[str, str]:
    """Prompt and completion of one JSON value; of messages, the completion is the last one, which
    must be the assistant's. Raises ValueError saying what is wrong."""
    match record:
        case {"prompt": str(prompt), "completion": str(completion)}:
            pass
        case {"messages": [*before, {"role": "assistant", "content": str(completion)}]}:
            for message in before:
                if not isinstance(message, dict):
                    raise ValueError("a message is not an object")
                if not all(isinstance(message.get(key), str) for key in ("role", "content")):
                    raise ValueError("a message needs role and content as text")
            prompt = rendered(before, tokenizer)
        case {"messages": _}:
            raise ValueError("messages must be a list that ends with the assistant's text")
        case _:
            raise ValueError("expected prompt and completion as text, or messages")
    if not completion:
        raise ValueError("the completion is empty")
    f"{prompt}{completion}".encode()  # half a character (`\\ud83d`) is a ValueError here
    return prompt, completion


def rendered(messages: list[dict[str, str]], tokenizer: Any) -> str:
    """The conversation so far as the model's chat template has it; without one, line by line."""
    if tokenizer.chat_template:
        try:
            return str(
                tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
            )
        except Exception as fault:  # a template is a program of the model's author
            raise ValueError(f"the model's chat template refuses it ({fault})") from fault
    return "".join(f"{m['role']}: {m['content']}\n" for m in messages) + "assistant: "


def tokenised(prompt: str, completion: str, tokenizer: Any, max_length: int) -> Example:
    """Begin token if the model has one, prompt, completion, end token; cut to `max_length`."""
    before = tokenizer(prompt, add_special_tokens=False).input_ids
    begin = tokenizer.bos_token_id
    if begin is not None and before[:1] != [begin]:  # a chat template may have put it there
        before = [begin, *before]
    after = tokenizer(completion, add_special_tokens=False).input_ids
    room = max(0, max_length - len(before))
    if len(after) > room:
        after = after[:room]
        completion = tokenizer.decode(after)
    elif tokenizer.eos_token_id is not None and len(after) < room:
        after = [*after, tokenizer.eos_token_id]
    # Nothing stands before the first token to predict it from: it counts as prompt.
    prompt_tokens = max(1, len(before))
    return Example([*before, *after], prompt_tokens, len(completion.encode("utf-8", "replace")))


def padded(batch: Sequence[Example]) -> dict[str, Any]:
    """`input_ids`, `attention_mask` and `labels` of a batch, each (batch, longest), padded right.

    Prompts and padding are seen but not scored: their labels are -100.
    """
    import torch

    longest = max(len(example.ids) for example in batch)
    ids = torch.zeros(len(batch), longest, dtype=torch.long)
    labels = torch.full_like(ids, -100)
    seen = torch.zeros_like(ids)
    for row, example in enumerate(batch):
        length = len(example.ids)
        ids[row, :length] = torch.tensor(example.ids)
        seen[row, :length] = 1
        labels[row, example.prompt_tokens : length] = ids[row, example.prompt_tokens : length]
    return {"input_ids": ids, "attention_mask": seen, "labels": labels}


def held_out(
    examples: Sequence[Example], share: float, most: int
) -> tuple[list[Example], list[Example]]:
    """Examples to learn from, and `share` of them (at least one, at most `most`) to judge by.

    The same ones for every seed, so that trials are judged alike. Leaves with exit code 2 if
    nothing would be left to learn from.
    """
    count = min(most, max(1, round(share * len(examples)))) if share > 0 else 0
    if count >= len(examples):
        fail(
            f"{len(examples)} examples are too few to hold {count} out for evaluation; give "
            "eval_data=FILE, or a smaller eval_fraction="
        )
    chosen = set(random.Random("held out").sample(range(len(examples)), count))
    learn = [example for place, example in enumerate(examples) if place not in chosen]
    return learn, [examples[place] for place in sorted(chosen)]

"""The embedded models of `recipes.classify`: a tiny BERT for text, and one for DNA.

Made from a configuration on the spot and kept in the cache as ordinary Hugging Face directories, so
that a recipe loads them as it loads any other model. They have learnt nothing yet: the text one
knows the words of the standard library, the DNA one its k-mers, that is all.
"""

import json
import platform
from collections import Counter
from hashlib import sha256
from importlib.metadata import version
from itertools import product
from pathlib import Path
from typing import Any

from recipes.arguments import fail
from recipes.cache import cached
from recipes.stdlib_text import sources

TEXT, DNA = "embedded/text", "embedded/dna"
EMBEDDED = ("", TEXT, DNA)

_VERSION = 1  # raise it when what is built below changes: the cache is keyed by it
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_WORDS = 4000
_K = 3  # letters of a k-mer
_SIZES = {
    "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 128,
}  # fmt: skip
_LONGEST = 512  # tokens


def path_of(model: str) -> str:
    """Where `model` can be loaded from: an embedded one is built if need be, others are as given.

    Leaves with exit code 2 for an embedded one that there is not.
    """
    if model in EMBEDDED:
        kind = model or TEXT
        key = json.dumps([_VERSION, kind, platform.python_version(), version("transformers")])
        name = f"{kind.replace('/', '-')}-{sha256(key.encode()).hexdigest()[:12]}"
        return str(cached(name, lambda directory: _build(kind, directory)))
    if model.startswith("embedded/"):
        fail(f"model={model!r} is none; there are: {TEXT}, {DNA}")
    return model


def _build(kind: str, directory: Path) -> None:
    import torch
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    print(f"making {kind} (once)", flush=True)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=kmers() if kind == DNA else _word_pieces(),
        model_max_length=_LONGEST,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
    )
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(tokenizer),
        max_position_embeddings=_LONGEST,
        pad_token_id=tokenizer.pad_token_id,
        **_SIZES,
    )
    BertModel(config).save_pretrained(directory)
    tokenizer.save_pretrained(directory)


def _word_pieces() -> Any:
    """The most frequent words of the standard library, and letters for all others.

    Counted here, because a trainer of word pieces does not make the same vocabulary twice.
    """
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers

    normalizer = normalizers.BertNormalizer(lowercase=False)
    words = pre_tokenizers.BertPreTokenizer()
    counts: Counter[str] = Counter()
    for text in sources():
        counts.update(word for word, _ in words.pre_tokenize_str(normalizer.normalize_str(text)))
    frequent = sorted(counts, key=lambda word: (-counts[word], word))[:_WORDS]
    letters = [chr(code) for code in range(33, 127)]
    pieces = dict.fromkeys([*_SPECIAL, *letters, *(f"##{one}" for one in letters), *frequent])
    vocabulary = {piece: place for place, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = words
    tokenizer.decoder = decoders.WordPiece()
    return _framed(tokenizer)


def kmers() -> Any:
    """Three letters a token, from the first on; what is left at the end is a token too."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

    words = ["".join(one) for size in range(_K, 0, -1) for one in product("acgtn", repeat=size)]
    vocabulary = {word: place for place, word in enumerate([*_SPECIAL, *words])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(f".{{1,{_K}}}"), "isolated")
    return _framed(tokenizer)


def _framed(tokenizer: Any) -> Any:
    """With `[CLS]` before and `[SEP]` after every text."""
    from tokenizers.processors import TemplateProcessing

    marks = [(mark, tokenizer.token_to_id(mark)) for mark in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=marks)
    return tokenizer

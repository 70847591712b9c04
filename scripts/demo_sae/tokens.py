"""Cut documents into contexts of token ids: a training set in random order, a held-out set."""

from __future__ import annotations

import json
import random

import numpy as np
from safetensors.numpy import load_file, save_file
from transformers import PreTrainedTokenizerBase

from scripts.demo_sae.workspace import DOCUMENTS, TOKENS
from unembed.store.atomic import write_atomically

CONTEXT = 256
SHORTEST = 64
"""A document's last context is kept when it has at least so many tokens."""
TRAINING_TOKENS = {
    "sotu": 600_000,
    "moby-dick": 270_000,
    "django": 450_000,
    "wordnet": 350_000,
    "fortunes": 500_000,
    "sampled": 200_000,
}
"""At most so many tokens of each source train the SAE."""
HELD_OUT_TOKENS = 15_000
"""At most so many tokens of each source evaluate it."""


def tokenize(tokenizer: PreTrainedTokenizerBase, seed: int) -> None:
    """Write `tokens/train.safetensors` and `tokens/held_out.safetensors`.

    Each holds `ids` [contexts, 256], padded with 0; `lengths` [contexts]; and `sources`
    [contexts], an index into the sorted names of the sources.
    """
    for part, held_out in (("train", False), ("held_out", True)):
        path = TOKENS / f"{part}.safetensors"
        if path.exists():
            continue
        contexts: list[tuple[int, list[int]]] = []
        for index, source in enumerate(sorted(TRAINING_TOKENS)):
            limit = HELD_OUT_TOKENS if held_out else TRAINING_TOKENS[source]
            found = source_contexts(source, tokenizer, limit, held_out=held_out)
            contexts += [(index, ids) for ids in found]
            print(f"{part}, {source}: {sum(map(len, found)):,} tokens")
        random.Random(seed).shuffle(contexts)
        arrays = {
            "ids": np.zeros((len(contexts), CONTEXT), np.int32),
            "lengths": np.array([len(ids) for _, ids in contexts], np.int32),
            "sources": np.array([index for index, _ in contexts], np.int32),
        }
        for row, (_, ids) in zip(arrays["ids"], contexts, strict=True):
            row[: len(ids)] = ids
        write_atomically(path, lambda file, arrays=arrays: save_file(arrays, file))


def source_contexts(
    source: str, tokenizer: PreTrainedTokenizerBase, limit: int, *, held_out: bool
) -> list[list[int]]:
    """Return one source's contexts, up to a number of tokens."""
    contexts: list[list[int]] = []
    total = 0
    for line in (DOCUMENTS / f"{source}.jsonl").read_text(encoding="utf-8").splitlines():
        document = json.loads(line)
        if document["held_out"] != held_out:
            continue
        ids = tokenizer(document["text"], verbose=False).input_ids
        for start in range(0, len(ids), CONTEXT):
            context = ids[start : start + CONTEXT]
            if len(context) >= SHORTEST and total < limit:
                contexts.append(context)
                total += len(context)
        if total >= limit:
            break
    return contexts


def read(part: str) -> dict[str, np.ndarray]:
    """Return the arrays of `train` or `held_out`."""
    return load_file(TOKENS / f"{part}.safetensors")

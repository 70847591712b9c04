"""Let the model write text itself: answers to many kinds of requests about many subjects."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from rich.progress import track

from scripts.demo_sae import model as demo_model
from scripts.demo_sae.text import common_nouns, write_documents
from scripts.demo_sae.workspace import DOCUMENTS, WORK
from unembed.store.atomic import write_atomically

REQUESTS = (
    "Explain {0} to a child.",
    "Write a short story in which {0} and {1} matter.",
    "Write a newspaper article about {0}.",
    "Write a letter to a friend who asked you about {0}.",
    "What is the history of {0}?",
    "Describe {0} as precisely as you can.",
    "Write a dialogue between two people who disagree about {0}.",
    "Give ten facts about {0}.",
    "How do {0} and {1} differ?",
    "Write an essay on why {0} is important.",
    "Write a poem about {0}.",
    "Give step-by-step instructions that involve {0} and {1}.",
    "Write a Python program about {0}, with comments.",
    "Write a scientific abstract that studies {0}.",
    "Write a review of a book titled '{0}'.",
    "Write a scene from a play in which somebody lost {0}.",
    "What should a traveller know about {0}?",
    "Tell a joke about {0} and say why it is funny.",
    "Write a word problem in mathematics about {0} and solve it.",
    "Write an e-mail to a company that sells {0}.",
)
BATCH = 128
NEW_TOKENS = 240


def sample(gguf: Path, batches: int, seed: int) -> None:
    """Write `documents/sampled.jsonl`: `batches` × 128 conversations with the model.

    Every batch is a file of its own, so that a stop loses one batch at most. Sampling is at
    temperature 0.8 from the 50 likeliest tokens.
    """
    path = DOCUMENTS / "sampled.jsonl"
    if path.exists():
        return
    wanted = [WORK / "sampled" / f"{batch:03}.json" for batch in range(batches)]
    missing = [(batch, path) for batch, path in enumerate(wanted) if not path.exists()]
    if missing:
        model, tokenizer = demo_model.load(gguf), demo_model.load_tokenizer(gguf)
        tokenizer.padding_side = "left"
        nouns = common_nouns()
        for batch, part in track(missing, description="Sampling text"):
            torch.manual_seed(seed * 10_000 + batch)
            chats = [
                f"<|im_start|>user\n{request}<|im_end|>\n<|im_start|>assistant\n"
                for request in requests(nouns, BATCH, f"{seed} {batch}")
            ]
            prompt = tokenizer(chats, return_tensors="pt", padding=True)
            with torch.no_grad():
                ids = model.generate(
                    **prompt, do_sample=True, temperature=0.8, top_k=50, max_new_tokens=NEW_TOKENS,
                    pad_token_id=tokenizer.pad_token_id,
                )  # fmt: skip
            answers = tokenizer.batch_decode(
                ids[:, prompt.input_ids.shape[1] :], skip_special_tokens=True
            )
            texts = [chat + answer for chat, answer in zip(chats, answers, strict=True)]
            write_atomically(part, lambda file, texts=texts: file.write_text(json.dumps(texts)))
    texts = [text for part in wanted for text in json.loads(part.read_text())]
    write_documents(path, texts, seed)


def requests(nouns: Sequence[str], count: int, seed: str) -> Iterator[str]:
    """Yield requests: a form and two of the nouns as subjects, drawn at random."""
    draw = random.Random(seed)
    for _ in range(count):
        yield draw.choice(REQUESTS).format(*draw.sample(nouns, 2))

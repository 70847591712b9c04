"""What is cut out of a text; and what the model writes itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from tests.fitting.tiny import WORDS, tiny_folder, tiny_model, transformers
from unembed.errors import UnembedError
from unembed.fitting.blocks import Blocks
from unembed.fitting.prompts import beginning, documents_in, prompts_in
from unembed.fitting.sample import sampled_prompts

pytestmark = pytest.mark.slow  # importing transformers takes seconds


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> object:
    return transformers.AutoTokenizer.from_pretrained(
        tiny_folder(tmp_path_factory.mktemp("models") / "tiny")
    )


def as_words(prompts: list[torch.Tensor]) -> list[str]:
    return [" ".join(WORDS[token - 1] for token in prompt.tolist()) for prompt in prompts]


def test_stretches_are_taken_evenly(tokenizer: object, tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text(" ".join(WORDS[:30]))
    assert as_words(prompts_in(path, tokenizer, count=2, tokens=4)) == [
        "w0 w1 w2 w3", "w12 w13 w14 w15",
    ]  # fmt: skip
    assert len(prompts_in(path, tokenizer, count=7, tokens=4)) == 7  # w28 and w29 are left


def test_documents_are_not_run_together(tokenizer: object, tmp_path: Path) -> None:
    path = tmp_path / "text.jsonl"
    documents = ["w1 w2 w3 w4 w5", {"text": "w6 w7 w8", "held_out": True}, {"text": "w9 w9 w9 w9"}]
    path.write_text("\n".join(["", *map(json.dumps, documents), ""]))
    assert [*documents_in(path)] == ["w1 w2 w3 w4 w5", "w6 w7 w8", "w9 w9 w9 w9"]
    assert as_words(prompts_in(path, tokenizer, count=2, tokens=4)) == [
        "w1 w2 w3 w4", "w9 w9 w9 w9",
    ]  # fmt: skip
    with pytest.raises(UnembedError, match="longest document has 5 tokens"):
        prompts_in(path, tokenizer, count=1, tokens=6)


def test_a_prompt_begins_as_the_tokenizer_begins(tmp_path: Path) -> None:
    from tokenizers.processors import TemplateProcessing

    folder = tiny_folder(tmp_path / "tiny")
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    assert beginning(tokenizer) == []
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", 0)]
    )
    assert beginning(tokenizer) == [0]
    path = tmp_path / "text.txt"
    path.write_text(" ".join(WORDS[:6]))
    first, second = prompts_in(path, tokenizer, count=2, tokens=4)
    assert first.tolist() == [0, 1, 2, 3]  # four tokens in all
    assert second.tolist() == [0, 4, 5, 6]


def test_the_model_draws_by_its_own_probabilities(tokenizer: object) -> None:
    """The second token of many prompts, against the softmax after `<s>` without `<s>` itself."""
    model = tiny_model("gpt2")
    drawn = sampled_prompts(
        Blocks(model), tokenizer, count=2_000, tokens=2, seed=3, report=lambda done, total: None
    )
    assert {prompt[0].item() for prompt in drawn} == {0}
    with torch.no_grad():
        weights = model(input_ids=torch.tensor([[0]])).logits[0, -1].double()
    weights[0] = -torch.inf
    expected = weights.softmax(-1)
    found = torch.bincount(torch.stack(drawn)[:, 1], minlength=len(expected)) / len(drawn)
    assert float((found - expected).abs().max()) < 4 * (0.25 / 2_000) ** 0.5
    assert found[0] == 0


def test_more_prompts_begin_with_the_same(tokenizer: object) -> None:
    blocks = Blocks(tiny_model("llama"))
    few, more = (
        sampled_prompts(blocks, tokenizer, count=n, tokens=9, seed=0, report=lambda *_: None)
        for n in (2, 3)
    )
    assert all(torch.equal(*pair) for pair in zip(few, more, strict=False))
    assert not torch.equal(more[0], more[1])

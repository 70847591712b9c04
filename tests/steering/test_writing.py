"""Texts that are written side by side, against a loop of one and `transformers`' own."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.fitting.tiny import D, tiny_folder
from unembed.fitting.blocks import Blocks
from unembed.fitting.model import Opened, open_causal_model
from unembed.load.reference import resolve
from unembed.steering.writing import written


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Opened:
    folder: Path = tiny_folder(tmp_path_factory.mktemp("models") / "tiny")
    return open_causal_model(resolve(folder), dtype=torch.float32, device=torch.device("cpu"))


def vectors() -> torch.Tensor:
    return torch.cat(
        [torch.zeros(1, D), 4 * torch.randn(3, D, generator=torch.Generator().manual_seed(1))]
    )


def naive(opened: Opened, ids: torch.Tensor, layer: int, added: torch.Tensor, tokens: int) -> str:
    blocks: Blocks = opened.blocks
    with torch.no_grad(), blocks.changed(layer, lambda stream: stream + added):
        now = ids.tolist()
        for _ in range(tokens):
            following = int(blocks.logits(torch.tensor([now]))[0, -1].argmax())
            if following == opened.tokenizer.eos_token_id:
                break
            now.append(following)
    return str(opened.tokenizer.decode(now[len(ids) :]))


@pytest.mark.parametrize("layer", [-1, 1])
def test_each_is_what_would_be_written_alone(opened: Opened, layer: int) -> None:
    ids = torch.tensor([4, 9, 2])
    found = written(opened, ids, layer, vectors(), 8)
    assert found == [naive(opened, ids, layer, vector, 8) for vector in vectors()]
    assert len(set(found)) > 1


def test_with_nothing_added_it_is_what_transformers_generates(opened: Opened) -> None:
    ids = torch.tensor([4, 9, 2])
    own = opened.blocks.model.generate(
        ids[None],
        max_new_tokens=8,
        do_sample=False,
        attention_mask=torch.ones(1, 3),
        pad_token_id=0,
    )[0, 3:]
    expected = opened.tokenizer.decode(own, skip_special_tokens=True)
    assert written(opened, ids, 1, vectors()[:1], 8) == [expected]


def test_a_text_ends_where_the_model_ends_it(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second token of each is the end; the first text has it at once."""
    said = iter([[0, 5], [7, 6], [8, 0], [9, 9]])

    def last_logits(ids: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.one_hot(torch.tensor(next(said)), 40).float()

    monkeypatch.setattr(opened.blocks, "last_logits", last_logits)
    found = written(opened, torch.tensor([1]), 1, vectors()[:2], 4)
    assert found == ["", opened.tokenizer.decode([5, 6])]

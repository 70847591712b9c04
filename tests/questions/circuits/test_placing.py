"""Which banks are a graph's transcoders: by what they were read from, or by who asks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from tests.planted import Planted
from unembed import Run, load_features
from unembed.errors import QueryError
from unembed.facts import BankFacts
from unembed.questions.circuits import place_banks
from unembed.questions.circuits.placing import is_transcoder, writes_to

from .transcoders import SET


def facts(name: str, **origin: Any) -> BankFacts:
    return BankFacts(name, 9, "blocks.3.hook_mlp_out", 3, None, origin, "0" * 64)


@pytest.mark.parametrize(
    ("bank", "told"),
    [
        (facts("transcoder.3"), True),
        (facts("sae.3", published="gemma-scope-2b-pt-transcoders/layer_3/width_16k"), True),
        (facts("mine", architecture="skip_transcoder"), True),
        (facts("mine", repo="mntss/clt-gemma-2-2b-426k"), True),
        (facts("mine", reads_layer=3), True),
        (facts("sae.3", published="gemma-scope-2b-pt-mlp-canonical/layer_3"), False),
        (facts("mlp.3", format="mlp neurons"), False),
        (facts("sae.3", path="/home/me/transcoders/of/mine"), False),  # a folder may be called so
        (facts("circlet.3"), False),
    ],
)
def test_a_transcoder_is_told_by_what_it_was_read_from(bank: BankFacts, told: bool) -> None:
    assert is_transcoder(bank) is told


def with_banks(run: Run, *banks: BankFacts) -> Run:
    """The same run, but for what its manifest says of its banks."""
    return Run(Path("RUN"), replace(run.manifest, banks=banks))


def test_what_loaders_say_is_understood(tmp_path: Path) -> None:
    """Files as mntss publishes them, read by the loader: the banks of layer 2 and 1 are theirs."""
    tensors = {"W_enc": torch.ones(9, 4), "b_enc": torch.ones(9), "b_dec": torch.ones(4)}
    save_file({"W_dec": torch.randn(9, 4), **tensors}, tmp_path / "layer_1.safetensors")
    save_file({"W_dec_2": torch.randn(9, 3, 4)}, tmp_path / "W_dec_2.safetensors")
    (tmp_path / "config.yaml").write_text("feature_output_hook: hook_mlp_out\n")
    references = ("layer_1.safetensors", "W_dec_2.safetensors", "W_dec_2.safetensors:sum")
    banks = [
        BankFacts(each.name, len(each), each.hook, each.layer, None, each.origin, each.digest)
        for name in references
        for each in load_features(str(tmp_path / name))
    ]
    assert [bank.name for bank in banks] == [
        "transcoder.1", "clt.2→2", "clt.2→3", "clt.2→4", "clt.2→sum"
    ]  # fmt: skip
    assert all(map(is_transcoder, banks))
    assert [writes_to(bank) for bank in banks[1:]] == ["→2", "→3", "→4", "→sum"]
    assert [bank.origin.get("reads_layer") for bank in banks] == [None, 2, 2, 2, 2]


def test_banks_that_are_named_are_taken(transcoders: Run) -> None:
    chosen = place_banks(transcoders, chosen=["mlp.3", "8=vectors"])
    assert chosen.names == {3: ["mlp.3"], 8: ["vectors"]}
    assert place_banks(transcoders, chosen=["clt.5->6"]).names == {5: ["clt.5→6"]}
    with pytest.raises(QueryError, match=r"does not know which layer vectors is of.*5=vectors"):
        place_banks(transcoders, chosen=["vectors"])
    with pytest.raises(QueryError, match=r"no bank 'mlp\.4'"):
        place_banks(transcoders, chosen=["4=mlp.4"])
    with pytest.raises(QueryError, match="Its lenses: logit"):
        place_banks(transcoders, lens="jacobian")
    with pytest.raises(QueryError, match="not through jacobian"):
        place_banks(transcoders, chosen=["mlp.3"], lens="jacobian")


def test_without_transcoders_it_is_said_what_there_is(tiny: Planted) -> None:
    with pytest.raises(QueryError, match=r"No bank of .* it has a .*--bank LAYER=BANK"):
        place_banks(tiny.run)


def test_two_of_a_layer_are_told_apart_by_their_ids(transcoders: Run) -> None:
    small, large = facts("transcoder.3", **SET), facts("transcoder.3.large", **SET)
    run = with_banks(transcoders, small, large)
    with pytest.raises(
        QueryError, match=r"several transcoders.*transcoder\.3, transcoder\.3\.large"
    ):
        place_banks(run)
    ids = ["none", "none", "none", "TRANSCODER.3.large"]
    assert place_banks(run, transcoders=ids).names == {3: ["transcoder.3.large"]}


def test_of_a_cross_layer_transcoder_the_sum_is_taken_where_it_is(transcoders: Run) -> None:
    parts = [facts(f"clt.3→{to}", **SET, reads_layer=3, part=f"3→{to}") for to in (3, 4, "sum")]
    assert place_banks(with_banks(transcoders, *parts[:2])).names == {3: ["clt.3→3", "clt.3→4"]}
    assert place_banks(with_banks(transcoders, *parts)).names == {3: ["clt.3→sum"]}
    other = facts("other.3→3", repo="you/transcoders", reads_layer=3, part="3→5")
    with pytest.raises(QueryError, match="several transcoders"):
        place_banks(with_banks(transcoders, *parts[:2], other))

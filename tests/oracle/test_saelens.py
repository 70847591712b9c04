"""The published layouts, read by SAELens' own loaders from the same stand-in hub as by ours.

Skipped where `sae-lens` is not installed; `make oracle` installs it. Where SAELens is wrong, it is
shown by the definition of the format.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.load.fake_hub import FakeHub, point_at
from tests.load.formats.test_encoders import decoders
from tests.load.published_hub import fill, repositories
from tests.load.published_layouts import (
    SQUARE,
    TINY,
    Entry,
    by_name,
    entries,
    lay,
    tiny_model,
    unlisted,
)
from unembed.load import load_features

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    sae_lens = pytest.importorskip("sae_lens", reason="sae-lens is not installed: `make oracle`")
    from sae_lens.loading import pretrained_sae_loaders as loaders
    from sae_lens.loading.pretrained_saes_directory import (
        get_config_overrides,
        get_repo_id_and_folder_name,
    )

pytestmark = pytest.mark.filterwarnings("ignore")

CROSS_LAYER = "mntss-gemma-2-2b-2.5m-clt-as-per-layer/layer_3"
_SPECIAL = (
    CROSS_LAYER,
    "gemma-scope-2b-pt-res/embedding/width_4k/average_l0_6",
    "gemma-scope-2b-pt-mlp/layer_0/width_16k/average_l0_119",
    "gemma-scope-2b-pt-att/layer_25/width_65k/average_l0_63",
    "gemma-scope-2-4b-pt-res/layer_17_width_16k_l0_big",
    "gemma-scope-2-1b-pt-att/layer_13_width_16k_l0_big",
    "gemma-scope-2-4b-pt-mlp-all/layer_0_width_16k_l0_big",
    "gemma-scope-2-270m-pt-transcoders-all/layer_9_width_262k_l0_small_affine",
    "gpt2-small-res-jb/blocks.11.hook_resid_post",
    "gpt2-small-resid-post-v5-32k/blocks.0.hook_resid_post",
    "gpt2-small-mlp-tm/blocks.11.hook_mlp_out",
    "gemma-2-2b-res-snap-matryoshka-dc/blocks.0.hook_resid_post",
    "sae_bench_pythia70m_sweep_gated_ctx128_0730/blocks.3.hook_resid_post__trainer_0",
    "sae_bench_pythia70m_sweep_standard_ctx128_0712/blocks.3.hook_resid_post__trainer_10",
    "saebench_gemma-2-2b_width-2pow12_date-0108/blocks.12.hook_resid_post__trainer_0",
    "mwhanna-qwen3-14b-transcoders-lowl0/layer_0",
    "llama_scope_lxm_8x/l0m_8x",
)
"""What differs within a loader: sites, containers, generations, kinds of dictionary."""


def _representatives() -> list[Entry]:
    first = {entry.loader: entry for entry in reversed(entries())}
    return list(dict.fromkeys([*first.values(), *(by_name()[name] for name in _SPECIAL)]))


REPRESENTATIVES = _representatives()


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeHub]:
    with FakeHub() as fake, pytest.MonkeyPatch.context() as patch:
        fill(fake, repositories(TINY, tuple(REPRESENTATIVES)))
        point_at(fake.endpoint, tmp_path_factory.mktemp("cache"), patch)
        yield fake


def by_saelens(entry: Entry) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """The config and the weights that SAELens' loader of the release gives."""
    repo, folder = get_repo_id_and_folder_name(entry.release, entry.id)
    overrides = {**get_config_overrides(entry.release, entry.id), "device": "cpu"}
    loader = loaders.NAMED_PRETRAINED_SAE_LOADERS[entry.loader]
    config, weights, _ = loader(repo, folder, "cpu", False, overrides | {"dtype": "float32"})
    return config, weights


def before_the_stream(entry: Entry, W_dec: torch.Tensor) -> np.ndarray:
    """SAELens' decoder, taken from its hook to the residual stream by the definition."""
    model, found = tiny_model(entry.model), W_dec.double().numpy()
    (bank, *_) = lay(entry).banks()
    if bank.hook and bank.hook.endswith("hook_z"):
        assert bank.layer is not None
        return found @ model.attention_out(bank.layer) * model.after_attention(bank.layer)
    if bank.hook == "hook_embed":  # SAELens multiplies by the root of the real width
        return found / np.sqrt(2304) * np.sqrt(model.size.d_model)
    return found


@pytest.mark.parametrize("entry", REPRESENTATIVES, ids=lambda entry: entry.name)
def test_the_layouts_are_what_saelens_reads(hub: FakeHub, entry: Entry) -> None:
    """So that a test of ours against the layouts is one against the files on the hub."""
    config, weights = by_saelens(entry)
    banks = lay(entry).banks()
    hook = config.get("hook_name_out") or config.get("hook_name") or config.get("hook_point")
    hook = config.get("metadata", {}).get("hook_name", hook)
    assert hook == banks[0].hook
    reached = before_the_stream(entry, weights["W_dec"])
    right = np.sum([bank.W_dec for bank in banks], axis=0)  # one, but for cross-layer transcoders
    np.testing.assert_allclose(reached, right, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("entry", REPRESENTATIVES, ids=lambda entry: entry.name)
def test_we_read_what_saelens_reads(hub: FakeHub, entry: Entry) -> None:
    banks = load_features(entry.name)
    _, weights = by_saelens(entry)
    reached = before_the_stream(entry, weights["W_dec"])
    ours = np.sum([bank.W_dec.double().numpy() for bank in banks], axis=0)
    exact = len(banks) == 1 and not banks[0].hook.endswith(("hook_z", "hook_embed"))
    np.testing.assert_allclose(ours, reached, rtol=0 if exact else 1e-5, atol=0 if exact else 1e-5)


@pytest.mark.parametrize("entry", REPRESENTATIVES, ids=lambda entry: entry.name)
def test_we_read_the_encoder_that_saelens_reads(hub: FakeHub, entry: Entry) -> None:
    """Its W_enc [d, F], at the same hook, but for a factor: the embedding's SAEs have one."""
    config, weights = by_saelens(entry)
    for decoder in decoders(entry):
        encoder = decoder.encoder
        if entry.loader == "temporal":
            assert encoder is None
            continue
        assert encoder is not None
        factor = np.sqrt(2304) if decoder.hook == "hook_embed" else 1.0
        right = weights["W_enc"].double().numpy().T * factor
        np.testing.assert_allclose(encoder.read().double().numpy(), right, rtol=1e-6, atol=1e-6)
        read = encoder.hook or decoder.hook or lay(entry).banks()[0].hook
        assert read == (
            config.get("hf_hook_name") if _is_behind_the_norm(config) else _hook(config)
        )


def _hook(config: dict[str, Any]) -> Any:
    hook = config.get("hook_name") or config.get("hook_point")
    return config.get("metadata", {}).get("hook_name", hook)


def _is_behind_the_norm(config: dict[str, Any]) -> bool:
    """Whether SAELens says hook_mlp_in, which is before the norm, and Hugging Face's is behind."""
    return str(_hook(config)).endswith("hook_mlp_in")


# --- where SAELens is wrong ---


def test_saelens_adds_up_what_a_cross_layer_transcoder_writes_to_each_layer(hub: FakeHub) -> None:
    """A direction that is added to layer 3 and its opposite to layer 9 would be nothing at all."""
    entry = by_name()[CROSS_LAYER]
    _, weights = by_saelens(entry)
    banks = lay(entry).banks()
    summed = np.sum([bank.W_dec for bank in banks], axis=0)
    np.testing.assert_allclose(weights["W_dec"].double().numpy(), summed, atol=1e-5)
    ours = load_features(entry.name)
    assert [bank.layer for bank in ours] == list(range(3, 26))
    for bank, right in zip(ours, banks, strict=True):
        np.testing.assert_array_equal(bank.W_dec.double().numpy(), right.W_dec)


def test_saelens_transposes_the_decoder_of_sparsify(tmp_path: Path) -> None:
    """`SparseCoder.decode` gives row i of W_dec for feature i alone, plus its bias."""
    case = unlisted.make("sparsify residual", SQUARE)  # square, so that nothing notices
    write(tmp_path, case)
    _, weights = loaders.sparsify_disk_loader(tmp_path / case.path)
    (bank,) = case.banks
    saelens = weights["W_dec"].double().numpy()
    np.testing.assert_allclose(saelens, bank.W_dec.T, rtol=0.01)  # it keeps bfloat16
    assert np.abs(saelens - bank.W_dec).max() > 0.5
    (ours,) = load_features(tmp_path / case.path)
    np.testing.assert_array_equal(ours.W_dec.double().numpy(), bank.W_dec)


# --- its own layout, through its own classes ---


NATIVE = [name for name in unlisted.CASES if name.startswith("native")]


@pytest.mark.parametrize("name", [name for name in NATIVE if not unlisted.make(name).refused])
def test_its_own_layout(tmp_path: Path, name: str) -> None:
    """A decoder as `SAE.load_from_disk` has it is the one that our steps begin with."""
    case = unlisted.make(name)
    write(tmp_path, case)
    _, weights = loaders.sae_lens_disk_loader(tmp_path)
    from safetensors.torch import load_file

    raw = load_file(tmp_path / "sae_weights.safetensors")
    assert torch.equal(weights["W_dec"], raw["W_dec"])
    if name.endswith(("gated", "topk", "jumprelu", "transcoder")):
        sae = sae_lens.SAE.load_from_disk(tmp_path)
        assert torch.equal(sae.W_dec, raw["W_dec"])


def test_whitening_is_folded_in_as_saelens_does(tmp_path: Path) -> None:
    """By its `fold_activation_whitening`, which it calls when the training ends."""
    case = unlisted.make("native checkpoint before whitening is folded in")
    write(tmp_path, case)
    from safetensors.torch import load_file

    whitening = load_file(tmp_path / "activation_whitening.safetensors")
    sae = sae_lens.SAE.load_from_disk(tmp_path).double()
    sae.cfg.apply_b_dec_to_input = True
    sae.fold_activation_whitening(
        mean=whitening["mean"],
        whitening_matrix=whitening["matrix"],
        unwhitening_matrix=whitening["inverse_matrix"],
    )
    (bank,) = case.banks
    np.testing.assert_allclose(sae.W_dec.detach().numpy(), bank.W_dec, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(sae.W_enc.detach().numpy().T, bank.reads, rtol=1e-9, atol=1e-12)


def write(folder: Path, case: unlisted.Case) -> None:
    for path, make in case.files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(make())

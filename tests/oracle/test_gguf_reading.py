"""What GGUF files read, against the same models as folders, which are held against `transformers`.

The files are written with the names that the gguf package gives each architecture's tensors, and
with what llama.cpp's converter changes on the way: experts are stacked, norms get their 1, GPT-2's
matrices are turned, and gpt-oss' and Granite's experts are taken apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor

pytest.importorskip("transformers")
pytest.importorskip("gguf")

import gguf
from safetensors.torch import load_file

from tests.oracle.survey import VARIANTS, Variant
from tests.oracle.tiny_transformers import save_tiny
from unembed.errors import SourceError
from unembed.load import load_model
from unembed.load.models.families import family_of
from unembed.load.models.gguf_families import ARCHITECTURES
from unembed.load.models.model import Expert, Model

pytestmark = pytest.mark.filterwarnings("ignore")  # of transformers' own code


class Pair(NamedTuple):
    """A model type and the architecture that llama.cpp calls it."""

    model_type: str
    architecture: str


SAME = (
    "gpt2", "bloom", "mpt", "falcon", "starcoder2", "stablelm", "nemotron", "olmo", "olmo2",
    "exaone", "exaone4", "gemma", "gemma2", "phi3", "glm4", "arcee", "apertus", "jais2", "granite",
    "smollm3", "seed_oss", "bitnet", "cohere2", "minicpm3", "qwen2", "qwen3", "llama", "olmoe",
    "granitemoe", "dots1", "afmoe", "phimoe", "jamba", "lfm2",
)  # fmt: skip
PAIRS = [Pair(name, name) for name in SAME] + [
    Pair("gpt_neox", "gptneox"),
    Pair("gptj", "gptj"),
    Pair("phi", "phi2"),
    Pair("cohere", "command-r"),
    Pair("gpt_bigcode", "starcoder"),
    Pair("mistral", "llama"),
    Pair("mixtral", "llama"),
    Pair("gemma3_text", "gemma3"),
    Pair("gemma4 with experts", "gemma4"),
    Pair("hunyuan_v1_dense", "hunyuan-dense"),
    Pair("hunyuan_v1_moe", "hunyuan-moe"),
    Pair("ernie4_5", "ernie4_5"),
    Pair("ernie4_5_moe", "ernie4_5-moe"),
    Pair("qwen2_moe", "qwen2moe"),
    Pair("qwen3_moe", "qwen3moe"),
    Pair("qwen3_next", "qwen3next"),
    Pair("qwen3_5_text", "qwen35"),
    Pair("qwen3_5_moe_text", "qwen35moe"),
    Pair("gpt_oss", "gpt-oss"),
    Pair("glm4_moe", "glm4moe"),
    Pair("deepseek_v2", "deepseek2"),
    Pair("exaone_moe", "exaone-moe"),
    Pair("minimax_m2", "minimax-m2"),
    Pair("falcon_h1", "falcon-h1"),
    Pair("lfm2_moe", "lfm2moe"),
    Pair("nemotron_h", "nemotron_h_moe"),
    Pair("llama4_text", "llama4"),
    Pair("stablelm, parallel", "stablelm"),
    Pair("falcon, a norm each", "falcon"),
    Pair("falcon, one norm", "falcon"),
]


@pytest.mark.parametrize("pair", PAIRS, ids=str)
def test_a_file_reads_what_the_folder_does(pair: Pair, tmp_path: Path) -> None:
    model_type, changes = VARIANTS.get(pair.model_type, Variant(pair.model_type, {}))
    save_tiny(model_type, tmp_path / "m", **changes)
    folder = load_model(tmp_path / "m")
    file = load_model(converted(tmp_path / "m", model_type, pair.architecture, folder.n_layers))
    held = list(places(folder))
    assert held
    for layer, expert in held:
        ours, theirs = file.mlp_in(layer, expert), folder.mlp_in(layer, expert)
        assert torch.equal(ours.up, theirs.up)
        assert (ours.gate is None) == (theirs.gate is None)
        if ours.gate is not None:
            assert theirs.gate is not None
            assert torch.equal(ours.gate, theirs.gate)
        norm, of_folder = file.before_mlp(layer, expert), folder.before_mlp(layer, expert)
        assert norm.kind == of_folder.kind
        torch.testing.assert_close(norm.read_by(ours.up), of_folder.read_by(theirs.up))
        assert torch.equal(file.mlp_out(layer, expert), folder.mlp_out(layer, expert))
    one, other = file.embedding(), folder.embedding()
    assert torch.equal(one.W_E.whole(), other.W_E.whole())
    assert one.norm_kind == other.norm_kind
    for mine, its in zip(one[3:], other[3:], strict=True):
        assert (mine is None) == (its is None)
        assert mine is None or torch.equal(mine, its)


def places(model: Model) -> Iterator[tuple[int, Expert | None]]:
    """Yield the layers with an MLP, with their experts."""
    for layer in range(model.n_layers):
        experts: list[Expert | None] = [None, "shared", *range(model.n_experts(layer))]
        for expert in experts:
            with suppress(SourceError):  # no such place
                model.mlp_out(layer, expert)
                yield layer, expert


def converted(folder: Path, model_type: str, architecture: str, n_layers: int) -> Path:
    """Return a GGUF file with a folder's tensors, but those of attention and mixers."""
    which = next(k for k, v in gguf.MODEL_ARCH_NAMES.items() if v == architecture)
    names = gguf.get_tensor_name_map(which, n_layers)
    family = family_of(model_type)
    assert family is not None
    tensors: dict[str, Tensor] = {}
    for path in sorted(folder.glob("*.safetensors")):
        tensors |= load_file(path)
    path = folder.parent / "m.gguf"
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_block_count(n_layers)
    writer.add_head_count(2)
    if architecture == "stablelm":
        writer.add_parallel_residual(True)  # as the converter says of all of them
    for name, tensor in changed(stacked(tensors), model_type).items():
        if architecture == "bloom":
            name = name.removeprefix("transformer.")
        found = name if name.startswith("blk.") else names.get_name(name, (".weight", ".bias"))
        if found is None or "attn_q" in found or "ssm" in found:
            continue
        if family.plus_one and "norm" in name and name.endswith("weight"):
            tensor = tensor + 1
        if not found.endswith((".weight", ".bias")):
            found += ".weight"
        writer.add_tensor(found, np.ascontiguousarray(tensor.numpy()))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


_PARTS = {
    "w1.weight": "gate_proj.weight", "w2.weight": "down_proj.weight", "w3.weight": "up_proj.weight",
}  # fmt: skip
"""The converter's names for those of LFM2's experts."""


def stacked(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors with a layer's experts in one."""
    found: dict[str, Tensor] = {}
    groups: dict[str, dict[int, Tensor]] = {}
    for name, tensor in tensors.items():
        match = re.fullmatch(r"(.*\.experts)\.(\d+)\.(.*)", name)
        if match:
            stem = match[1].replace("backbone", "model").replace("mixer", "mlp")
            part = _PARTS.get(match[3], match[3]) if "feed_forward" in stem else match[3]
            groups.setdefault(f"{stem}.{part}", {})[int(match[2])] = tensor
        else:
            found[name] = tensor
    return found | {
        name: torch.stack([group[e] for e in range(len(group))]) for name, group in groups.items()
    }


def changed(tensors: dict[str, Tensor], model_type: str) -> dict[str, Tensor]:
    """Return tensors as llama.cpp's converter changes them; some have their last name already."""
    found: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        columns = model_type in ("gpt_oss", "llama4_text") and "experts." in name
        if columns and name.endswith("gate_up_proj"):
            gate, up = tensor.mT.chunk(2, 1)
            if model_type == "gpt_oss":
                gate, up = tensor.mT[:, ::2], tensor.mT[:, 1::2]
            stem = name.removesuffix("gate_up_proj")
            found |= {stem + "gate_proj": gate, stem + "up_proj": up}
        elif columns and name.endswith("down_proj"):
            found[name] = tensor.mT
        elif name.endswith("input_linear.weight"):
            layer = name.split(".")[2]
            ending = "shexp" if "shared_mlp" in name else "exps"
            gate, up = tensor.chunk(2, -2)
            found |= {f"blk.{layer}.ffn_{part}_{ending}.weight": value
                      for part, value in (("gate", gate), ("up", up))}  # fmt: skip
        elif model_type == "gpt2" and re.search(r"c_(?:fc|proj|attn)\.weight", name):
            found[name] = tensor.T
        else:
            found[name] = tensor
    return found


def test_what_is_known_of_every_architecture() -> None:
    for name, facts in ARCHITECTURES.items():
        unknown = name in ("mamba", "mamba2", "opt")
        assert (facts.mlp is None) == (facts.before_mlp is None) == unknown, name

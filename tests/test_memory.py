"""Peak memory does not grow with the number of features, and W_U is in it once."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import islice, product
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from tests.load.layouts import write_model

TOLD = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no file tells what was held")
PEAK = """
import json, sys
import torch, unembed

def peak():  # what the system calls maxrss is a parent's, where that had more
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) * 1024
"""
SCRIPT = (
    PEAK
    + """

count, folder = int(sys.argv[1]), sys.argv[2]
texts = unembed.Vocabulary.from_texts([f"t{i}" for i in range(20_000)])
random = torch.Generator().manual_seed(0)
unembedding = unembed.prepare_unembedding(torch.randn(20_000, 16, generator=random), texts)
bank = unembed.Features.from_array(torch.randn(count, 16, generator=random))
unembed.analyze(unembedding, bank, folder, settings=unembed.SweepSettings(top_k=5, tile=256))
print(json.dumps(peak() / 1e6))
"""
)


def peak_mb(count: int, folder: Path) -> float:
    command = [sys.executable, "-c", SCRIPT, str(count), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    return float(json.loads(done.stdout))


@TOLD
@pytest.mark.slow
def test_peak_memory_does_not_grow_with_features(tmp_path: Path) -> None:
    """Held whole, 12,288 more features would take 980 MB; a shard's readings take some 10."""
    few, many = peak_mb(4096, tmp_path / "few"), peak_mb(16_384, tmp_path / "many")
    assert many - few < 100


LOADED = (
    PEAK
    + """
from unembed.load import load_unembedding
import unembed.load.models.huggingface, unembed.load.vocabularies.tokenizer_json

before = peak()
W_U = load_unembedding(sys.argv[1], lens=sys.argv[2]).W_U
print(json.dumps([peak() - before, W_U.numel() * W_U.element_size()]))
"""
)


def pairs_of_letters(count: int) -> str:
    """A tokenizer of single bytes and pairs of them."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges = list(islice(product(letters, letters), count - len(letters)))
    pieces = [*letters, *(one + other for one, other in merges)]
    tokenizer = Tokenizer(models.BPE({piece: at for at, piece in enumerate(pieces)}, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer.to_str()


@TOLD
@pytest.mark.parametrize(("dtype", "lens"), [("float32", "logit"), ("bfloat16", "cosine")])
def test_the_unembedding_is_never_held_twice(tmp_path: Path, dtype: str, lens: str) -> None:
    """Of 200 MB of W_U: read whole in its dtype, and then widened, it would take 400 and more."""
    count, d_model = 16_384, 3_072
    random = torch.Generator().manual_seed(0)
    tensors = {
        "lm_head.weight": torch.randn(1024, d_model, generator=random).repeat(count // 1024, 1),
        "model.norm.weight": torch.ones(d_model),
    }
    stored = {name: tensor.to(getattr(torch, dtype)) for name, tensor in tensors.items()}
    folder = write_model(tmp_path / "m", stored, model_type="llama", num_hidden_layers=1)
    (folder / "tokenizer.json").write_text(pairs_of_letters(count))
    command = [sys.executable, "-c", LOADED, str(folder), lens]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    held, size = json.loads(done.stdout)
    assert size == count * d_model * 4
    assert held < 1.5 * size

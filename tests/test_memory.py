"""Peak memory does not grow with the number of features."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import json, resource, sys
import torch, unembed

count, folder = int(sys.argv[1]), sys.argv[2]
texts = unembed.Vocabulary.from_texts([f"t{i}" for i in range(20_000)])
random = torch.Generator().manual_seed(0)
unembedding = unembed.prepare_unembedding(torch.randn(20_000, 16, generator=random), texts)
bank = unembed.Features.from_array(torch.randn(count, 16, generator=random))
unembed.analyze(unembedding, bank, folder, settings=unembed.SweepSettings(top_k=5, tile=256))
print(json.dumps(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))
"""


def peak_mb(count: int, folder: Path) -> float:
    command = [sys.executable, "-c", SCRIPT, str(count), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    return float(json.loads(done.stdout))


@pytest.mark.slow
def test_peak_memory_does_not_grow_with_features(tmp_path: Path) -> None:
    """Held whole, 12,288 more features would take 980 MB; a shard's readings take some 10."""
    few, many = peak_mb(4096, tmp_path / "few"), peak_mb(16_384, tmp_path / "many")
    assert many - few < 100

"""From a name to a first table, for a million features: does the encoder cost anything?

A stand-in hub on this machine holds Gemma Scope's widest SAE in its true layout, a `params.npz` of
1,048,576 features (of 64 dimensions, so that it fits into the hub's memory), with encoders of
different sizes beside the same decoder. Each is analysed by its name, with an empty cache, in a
process of its own.

    python benchmarks/by_name.py
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.load.fake_hub import FakeHub, point_at
from tests.load.published_hub import fill, repositories
from tests.load.published_layouts import Entry, Size, by_name

NAME = "gemma-scope-2b-pt-res/layer_12/width_1m/average_l0_107"
FEATURES, D_MODEL = 1 << 20, 64
ROUNDS = 2
ENCODERS = (0.0, 1.0, 4.0)
"""How large the encoder is, over the decoder."""


def files(entry: Entry, encoder: float) -> dict[str, bytes]:
    """Return the SAE's one file, its encoder before its decoder as in the published ones."""
    random = np.random.default_rng(0)
    file = io.BytesIO()
    np.savez(
        file,
        W_enc=np.zeros((int(D_MODEL * encoder), FEATURES), np.float32),
        W_dec=random.standard_normal((FEATURES, D_MODEL), np.float32),
        b_enc=np.zeros(FEATURES, np.float32),
        b_dec=np.zeros(D_MODEL, np.float32),
        threshold=np.zeros(FEATURES, np.float32),
    )
    return {f"{entry.path}/params.npz": file.getvalue()}


def measured(endpoint: str) -> dict[str, float]:
    """Analyse the SAE by its name, from the hub at an address; called in a process of its own."""
    from unembed.analysis import analyze
    from unembed.load import load_features, load_unembedding
    from unembed.sweep import SweepSettings

    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        point_at(endpoint, Path(folder), patch)
        before = _peak()
        start = time.perf_counter()
        unembedding = load_unembedding("gemma-2-2b")
        banks = load_features(NAME, model="gemma-2-2b")
        loaded = time.perf_counter() - start
        loading_peak = _peak() - before
        run = analyze(unembedding, banks, Path(folder) / "run", settings=SweepSettings(top_k=10))
        run.features.sort("kurtosis", descending=True).head()
        whole = time.perf_counter() - start
    return {"loaded": loaded, "table": whole, "loading_peak": loading_peak}


def _peak() -> float:
    """The most memory this process has held, in GB; `ru_maxrss` would count its parent's."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1e6


def main() -> None:
    """Measure every size of encoder, in turn, and print a table."""
    entry = by_name()[NAME]
    print(f"{FEATURES:,} features, decoder {FEATURES * D_MODEL * 4 / 1e6:,.0f} MB\n")
    print(
        "| encoder | file, MB | sent, MB | name → features, s | name → first table, s | peak, GB |"
    )
    print("|---|---|---|---|---|---|")
    rounds = [[_row(entry, encoder) for encoder in ENCODERS] for _ in range(ROUNDS)]
    for encoder, rows in zip(ENCODERS, zip(*rounds, strict=True), strict=True):
        row = min(rows, key=lambda each: each["loaded"])
        print(
            f"| {encoder:g} × the decoder | {row['file']:,.0f} | {row['sent']:,.1f} "
            f"| {row['loaded']:.1f} | {row['table']:.1f} | {row['loading_peak']:.2f} |"
        )


def _row(entry: Entry, encoder: float) -> dict[str, float]:
    with FakeHub() as hub:
        repos = repositories(Size(d_model=D_MODEL), (entry,))
        repos[entry.repo] = files(entry, encoder)  # type: ignore[assignment]
        fill(hub, repos)
        command = [sys.executable, __file__, "--measure", hub.endpoint]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        sent = sum(request.stop - request.first for request in hub.log if "npz" in request.path)
        size = len(next(iter(repos[entry.repo].values())))
    return {**json.loads(done.stdout), "sent": sent / 1e6, "file": size / 1e6}


if __name__ == "__main__":
    if "--measure" in sys.argv:
        print(json.dumps(measured(sys.argv[-1])))
    else:
        main()

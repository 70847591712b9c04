"""ES on real logit weights, against gseapy's. Skipped where it is not installed, as in CI."""

from __future__ import annotations

import numpy as np
import pytest

from tests.tokensets.vocabularies import default_sets
from unembed import load_features, load_unembedding
from unembed.demo import MODEL
from unembed.enrichment.effects import rows_of
from unembed.sweep import Membership, Sweep
from unembed.sweep.settings import Weight
from unembed.sweep.tsea.cpu import read_tile

gseapy = pytest.importorskip("gseapy")
pandas = pytest.importorskip("pandas")

SETS = ("pronouns_second_person", "months", "suffix:ing", "first_letter:t", "leading_space")


def without_ties(z: np.ndarray) -> np.ndarray:
    """The same weights, each at least one step of float32 from the next: gseapy has no tie rule."""
    order = np.argsort(z, kind="stable")
    apart = z[order].copy()
    for i in range(1, len(apart)):
        apart[i] = max(apart[i], np.nextafter(apart[i - 1], np.float32(np.inf)))
    out = np.empty_like(z)
    out[order] = apart
    return out


@pytest.mark.parametrize(("weight", "power"), [("none", 0), ("magnitude", 1)])
@pytest.mark.parametrize("neuron", [1329, 23])
def test_es_is_gseapys(weight: Weight, power: int, neuron: int) -> None:
    """`magnitude` on the centred metric: |z| of the logit weight."""
    unembedding = load_unembedding(MODEL)
    (bank,) = load_features("mlp:26", model=MODEL)
    sets = default_sets("smollm2").select(SETS)
    rows = rows_of(sets, unembedding)
    (tile,) = Sweep(unembedding).tiles(bank.W_dec[neuron : neuron + 1])
    z = without_ties(tile.z.numpy()[0])
    found = read_tile(z[None], Membership(len(z), sets.indptr, rows), weight)
    names = np.array([str(row) for row in range(len(z))])
    members = {
        name: names[rows[sets.indptr[at] : sets.indptr[at + 1]]].tolist()
        for at, name in enumerate(sets)
    }
    theirs = gseapy.prerank(
        rnk=pandas.DataFrame({"token": names, "z": z.astype(np.float64)}), gene_sets=members,
        permutation_num=10, min_size=1, max_size=len(z), weight=power, outdir=None, seed=0,
        no_plot=True,
    ).res2d.set_index("Term")["ES"]  # fmt: skip
    tolerance = 1e-9 if weight == "none" else 1e-6
    for at, name in enumerate(sets):
        assert found.es[0, at] == pytest.approx(theirs[name], abs=tolerance), name

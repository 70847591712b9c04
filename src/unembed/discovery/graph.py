"""Communities of unit vectors: mutual nearest neighbours, then Louvain's modularity."""

from __future__ import annotations

import networkx as nx
import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float
from torch import Tensor

from unembed.products import product
from unembed.progress import Report

Nodes = npt.NDArray[np.int64]
_BLOCK_BYTES = 2**28


def mutual_neighbours(
    points: Float[Tensor, "n d"],
    neighbours: int,
    device: str,
    report: Report,
) -> nx.Graph:
    """Return the graph of points that are among each other's nearest by cosine.

    The n × n cosines are made a block of rows at a time and never held whole.

    Args:
        points: unit vectors.
        neighbours: how many of the nearest count.
        device: where the products are made.
        report: called with the points done and their number.
    """
    there = points.to(device)
    n = len(there)
    count = min(neighbours, n - 1)
    nearest = np.empty((n, count), np.int64)
    cosines = np.empty((n, count), np.float32)
    block = max(1, _BLOCK_BYTES // (4 * n))
    for start in range(0, n, block):
        near = product(there[start : start + block], there.T)
        own = torch.arange(len(near), device=device)
        near[own, own + start] = -torch.inf
        top = near.topk(count, dim=1)
        nearest[start : start + block] = top.indices.cpu().numpy()
        cosines[start : start + block] = top.values.cpu().numpy()
        report(min(start + block, n), n)
    return _mutual(nearest, cosines)


def _mutual(nearest: Nodes, cosines: npt.NDArray[np.float32]) -> nx.Graph:
    n, count = nearest.shape
    one = np.repeat(np.arange(n), count)
    other = nearest.ravel()
    keys = one * n + other
    is_mutual = np.isin(keys, other * n + one) & (one < other) & (cosines.ravel() > 0)
    graph = nx.Graph()
    graph.add_weighted_edges_from(
        zip(
            one[is_mutual].tolist(),
            other[is_mutual].tolist(),
            cosines.ravel()[is_mutual].astype(float).tolist(),
            strict=True,
        )
    )
    return graph


def communities(graph: nx.Graph, resolution: float, min_size: int, seed: int) -> list[Nodes]:
    """Return the communities that Louvain's method finds (Blondel et al. 2008), each ascending."""
    found = nx.community.louvain_communities(graph, resolution=resolution, seed=seed)
    return [np.array(sorted(each), np.int64) for each in found if len(each) >= min_size]


def cohesion(points: Float[Tensor, "n d"], members: Nodes) -> float:
    """Return the mean cosine of two different members."""
    n = len(members)
    total = float(points[torch.from_numpy(members)].sum(0).square().sum())
    return (total - n) / (n * (n - 1))

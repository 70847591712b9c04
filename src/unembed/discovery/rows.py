"""Modules of words whose rows of W_U point the same way."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from unembed.discovery.graph import Nodes, cohesion, communities, mutual_neighbours
from unembed.discovery.module import Module
from unembed.discovery.settings import DiscoverSettings
from unembed.discovery.words import Words
from unembed.products import product
from unembed.progress import Progress, Report, report_of
from unembed.sweep.device import device_named
from unembed.unembedding import Unembedding

FAMILY = "discovered/rows"


class Rows(NamedTuple):
    """What was found in W_U.

    Attributes:
        modules: the most cohesive first.
        searched: by resolution, the communities that were looked at, most of which may be none.
    """

    modules: list[Module]
    searched: dict[float, int]


def modules_of_rows(
    unembedding: Unembedding,
    words: Words,
    points: Float[Tensor, "words d_model"],
    settings: DiscoverSettings,
    report: Progress,
) -> Rows:
    """Return the modules of W_U, the most cohesive first, and of how many communities they are.

    The same search over as many random directions gives modules too; only those are returned
    that are more cohesive than every one of these at the same resolution.

    Args:
        unembedding: of the model.
        words: of its vocabulary.
        points: their directions (`words.directions`).
        settings: how to look.
        report: called as the work goes on.
    """
    random = torch.Generator().manual_seed(settings.seed)
    noise = torch.nn.functional.normalize(
        torch.randn(points.shape, dtype=points.dtype, device="cpu", generator=random)
    )
    found = search(points, settings, report_of(report, "Words of W_U"))
    chance = search(noise, settings, report_of(report, "As many random directions"))
    modules: list[Module] = []
    for resolution, members in found.items():
        bar = max((cohesion(noise, each) for each in chance[resolution]), default=0.0)
        every = (_module(unembedding, words, points, each, resolution, bar) for each in members)
        modules += [module for module in every if module.cohesion > bar]
    modules.sort(key=lambda module: -module.cohesion)
    return Rows(modules, {resolution: len(members) for resolution, members in found.items()})


def search(
    points: Float[Tensor, "n d"],
    settings: DiscoverSettings,
    report: Report,
) -> dict[float, list[Nodes]]:
    """Return the communities of points at each resolution."""
    device = str(device_named(settings.device))
    graph = mutual_neighbours(points, settings.neighbours, device, report)
    return {
        resolution: communities(graph, resolution, settings.min_words, settings.seed)
        for resolution in settings.resolutions
    }


def _module(
    unembedding: Unembedding,
    words: Words,
    points: Float[Tensor, "n d"],
    members: Nodes,
    resolution: float,
    bar: float,
) -> Module:
    measured = cohesion(points, members)
    centre = points[torch.from_numpy(members)].sum(0)
    nearness = product(points[torch.from_numpy(members)], centre).numpy()
    typical = tuple(words.names[members[at]] for at in np.argsort(-nearness, kind="stable"))
    ids = np.unique(np.concatenate([words.tokens[node] for node in members]))
    return Module(
        ids,
        typical,
        FAMILY,
        f"W_U of {unembedding.name}",
        f"{len(members)} words, mean cosine {measured:.2f} (random directions: {bar:.2f} at most)",
        resolution,
        measured,
    )

"""Modules of words whose rows of W_U point the same way."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from unembed.discovery.graph import Nodes, cohesion, communities, mutual_neighbours
from unembed.discovery.module import Module
from unembed.discovery.settings import DiscoverSettings
from unembed.discovery.words import Words, directions, words_of
from unembed.products import product
from unembed.progress import Progress, Report, report_of
from unembed.sweep.device import device_named
from unembed.tokensets.reading import Reading
from unembed.unembedding import Unembedding

FAMILY = "discovered/rows"


def modules_of_rows(
    unembedding: Unembedding, settings: DiscoverSettings, report: Progress
) -> list[Module]:
    """Return the modules of W_U, the most cohesive first.

    The same search over as many random directions gives modules too; only those are returned
    that are more cohesive than every one of these at the same resolution.
    """
    words = words_of(Reading(unembedding.vocabulary))
    points = directions(unembedding, words)
    random = torch.Generator().manual_seed(settings.seed)
    noise = torch.nn.functional.normalize(
        torch.randn(points.shape, dtype=points.dtype, device="cpu", generator=random)
    )
    found = _search(points, settings, report_of(report, "Words of W_U"))
    chance = _search(noise, settings, report_of(report, "As many random directions"))
    modules: list[tuple[float, Module]] = []
    for resolution, members in found.items():
        bar = max((cohesion(noise, each) for each in chance[resolution]), default=0.0)
        for each in members:
            measured = cohesion(points, each)
            if measured > bar:
                modules.append((measured, _module(unembedding, words, points, each, bar)))
    modules.sort(key=lambda pair: -pair[0])
    return [module for _, module in modules]


def _search(
    points: Float[Tensor, "n d"],
    settings: DiscoverSettings,
    report: Report,
) -> dict[float, list[Nodes]]:
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
    bar: float,
) -> Module:
    centre = points[torch.from_numpy(members)].sum(0)
    nearness = product(points[torch.from_numpy(members)], centre).numpy()
    typical = tuple(words.names[members[at]] for at in np.argsort(-nearness, kind="stable"))
    ids = np.unique(np.concatenate([words.tokens[node] for node in members]))
    return Module(
        ids,
        typical,
        FAMILY,
        f"W_U of {unembedding.name}",
        f"{len(members)} words, mean cosine {cohesion(points, members):.2f} "
        f"(random directions: {bar:.2f} at most)",
    )

"""Features as Neuronpedia takes them by upload: bodies of `POST /api/feature/upload-batch`.

The site's limits are kept: 128 features a body, 20 top and bottom logits, explanations of 512
characters; and it takes no feature without a text that it fires on, which weights do not tell.
Those that were fetched, from the site or from a dashboard of one's own, are taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import polars as pl

from unembed.errors import QueryError
from unembed.questions.neuronpedia.export import METHOD, Spelling, exported
from unembed.questions.neuronpedia.links import Sources
from unembed.store.neuronpedia import read_beside
from unembed.store.tables import RunTables
from unembed.version import __version__

MOST_FEATURES = 128
MOST_LOGITS = 20
LONGEST_EXPLANATION = 512


class Upload(NamedTuple):
    """Bodies of requests, and what became of the features.

    Attributes:
        bodies: each with `modelId`, `source` and `features`, at most 128.
        features: how many are in them.
        without_text: that were left out, since no text is known that they fire on.
        shortened: labels of more than 512 characters.
    """

    bodies: list[dict[str, Any]]
    features: int
    without_text: int
    shortened: int


def uploads(
    run: RunTables,
    features: pl.DataFrame,
    sources: Sources,
    *,
    tokens: int = 10,
    spelling: Spelling = "text",
    unit_norm: bool = False,
) -> Upload:
    """Return features as the site takes them, with their texts as they were fetched.

    Args:
        run: a finished run.
        features: rows of `run.features`.
        sources: as `sources_of` returns them.
        tokens: of either end, at most 20.
        spelling: as for `exported`.
        unit_norm: likewise.

    Raises:
        QueryError: for more tokens than the site takes, when a bank has no id, or when no text was
            fetched of any of the features.
    """
    if tokens > MOST_LOGITS:
        raise QueryError(
            f"Neuronpedia takes at most {MOST_LOGITS} tokens of either end by upload, not {tokens}."
        )
    written = exported(
        run, features, sources, tokens=tokens, spelling=spelling, unit_norm=unit_norm
    )
    texts = {bank: _texts(run, bank) for bank in features["bank"].unique()}
    banks = features["bank"].to_list()
    by_source: dict[tuple[str, str], list[dict[str, Any]]] = {}
    shortened = 0
    for bank, each in zip(banks, written, strict=True):
        fires_on = texts[bank].get(int(each["index"]))
        if fires_on:
            place = (each["modelId"], each["layer"])
            by_source.setdefault(place, []).append(_feature(each, fires_on))
            shortened += _is_long(each)
    count = sum(map(len, by_source.values()))
    if not count:
        raise QueryError(
            "Neuronpedia takes no feature without a text that it fires on, and none was fetched of "
            f"these {features.height:,}. Fetch some first: unembed neuronpedia fetch {run.place} "
            "FEATURE… (or --from a dashboard of your own). To have a file without them, leave out "
            "--upload."
        )
    return Upload(list(_bodies(by_source)), count, features.height - count, shortened)


def _bodies(
    by_source: Mapping[tuple[str, str], Sequence[dict[str, Any]]],
) -> Iterator[dict[str, Any]]:
    for (model, source), features in by_source.items():
        for first in range(0, len(features), MOST_FEATURES):
            yield {
                "modelId": model,
                "source": source,
                "features": list(features[first : first + MOST_FEATURES]),
            }


def _feature(each: Mapping[str, Any], fires_on: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "index": int(each["index"]),
        "density": each.get("frac_nonzero"),
        "activations": fires_on,
        "explanations": [
            {
                "text": _short(explanation["description"]),
                "methodName": METHOD,
                "modelName": f"{METHOD} {__version__}",
            }
            for explanation in each["explanations"]
        ],
        "topLogits": _logits(each, "pos"),
        "bottomLogits": _logits(each, "neg"),
    }


def _logits(each: Mapping[str, Any], end: str) -> list[dict[str, Any]]:
    pairs = zip(each[f"{end}_str"], each[f"{end}_values"], strict=True)
    return [{"token": token, "value": value} for token, value in pairs]


def _is_long(each: Mapping[str, Any]) -> int:
    return sum(len(of["description"]) > LONGEST_EXPLANATION for of in each["explanations"])


def _short(text: str) -> str:
    if len(text) <= LONGEST_EXPLANATION:
        return text
    return f"{text[: LONGEST_EXPLANATION - 1]}…"


def _texts(run: RunTables, bank: str) -> dict[int, list[dict[str, Any]]]:
    kept = read_beside(run.path, run.manifest, bank)
    found: dict[int, list[dict[str, Any]]] = {}
    if kept is not None:
        for row in kept.activations.select("index", "tokens", "values").iter_rows(named=True):
            text = {"tokens": row["tokens"], "values": row["values"]}
            found.setdefault(row["index"], []).append(text)
    return found

"""The sources of a finished run, opened again for what its tables do not keep."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from unembed.errors import SourceError
from unembed.features import Features
from unembed.load import load_features, load_model, load_unembedding
from unembed.load.models.model import Model
from unembed.load.models.neurons import read_neurons
from unembed.load.reference import reference_of
from unembed.unembedding import Unembedding


def reopen_unembedding(facts: Mapping[str, Any]) -> Unembedding:
    """Return the unembedding that a manifest describes.

    Args:
        facts: `manifest["unembedding"]`.

    Raises:
        SourceError: when it was an array, is not there any more, or is not what it was.
    """
    origin = _origin(facts["preparation"].get("origin"), "The unembedding")
    tokenizer = origin.get("tokenizer")
    opened = load_unembedding(
        _model(origin), lens=facts["lens"], tokenizer=tokenizer and reference_of(tokenizer)
    )
    if opened.digest != facts["sha256"]:
        raise _changed(reference_of(origin))
    return opened


def reopen_features(facts: Mapping[str, Any]) -> Features:
    """Return the bank that a manifest describes.

    Args:
        facts: one of `manifest["banks"]`.

    Raises:
        SourceError: when it was an array, is not there any more, or is not what it was.
    """
    origin = _origin(facts["origin"], f"The bank {facts['name']}")
    if "model" in origin:
        bank = read_neurons(_model(origin["model"]), facts["layer"])
    else:
        (bank,) = load_features(reference_of(origin))
    if bank.digest != facts["sha256"]:
        raise _changed(reference_of(origin.get("model", origin)))
    return bank.renamed(facts["name"])


def _model(origin: Mapping[str, Any]) -> Model:
    return load_model(reference_of(origin))


def _origin(origin: Mapping[str, Any] | None, what: str) -> Mapping[str, Any]:
    if origin and ({"path", "repo"} & {*origin, *origin.get("model", ())}):
        return origin
    raise SourceError(f"{what} was made of arrays in memory, which a run does not keep.")


def _changed(place: str) -> SourceError:
    return SourceError(
        f"{place} is not what it was when the run was made: its weights differ. Make the run "
        "again, in another folder."
    )

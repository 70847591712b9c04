"""What the names of a published SAE say of it, before anything is fetched."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import log2

from unembed.errors import FormatError, QueryError
from unembed.load.catalogue.widths import WIDTHS
from unembed.load.formats import Format, format_of_loader
from unembed.load.models.short_names import repository_of
from unembed.load.published.table import Published
from unembed.load.stream.passage import needs_model
from unembed.load.stream.sites import Site, site_of

_HOOK_IN_NAME = re.compile(
    r"blocks\.\d+\.(?:hook_resid_(?:pre|mid|post)|hook_mlp_out|hook_attn_out|attn\.hook_z)"
)


@dataclass(frozen=True)
class Facts:
    """A published SAE, as a list shows it.

    Attributes:
        name: `release/id`.
        model: the hub repository of its model.
        hook: what it writes to; None where its config alone says it.
        layer: the layer, likewise.
        width: how many features it has; None where its names do not say it.
        l0: how many fire on a token, where its makers say it.
        neuronpedia: Neuronpedia's `model/source`, where it is there.
        repo: its hub repository.
        file: the file there of which the decoder is fetched.
        megabytes: how large the decoder is, about; None where that is not known.
        loads: whether unembed reads it.
        note: what else it needs, or why it is not read; empty otherwise.
    """

    name: str
    model: str
    hook: str | None
    layer: int | None
    width: int | None
    l0: float | None
    neuronpedia: str | None
    repo: str
    file: str
    megabytes: float | None
    loads: bool
    note: str = ""


def facts_of(entry: Published) -> Facts:
    """Return what a published SAE's names say of it."""
    try:
        kind: Format | None = format_of_loader(entry)
        note = ""
    except FormatError as error:
        kind, note = None, str(error)
    hook = hook_of(entry, kind)
    site = _site(hook)
    if kind is not None and site is not None and needs_model(site):
        note = _needed(site)
    width, model = width_of(entry), repository_of(entry.model)
    return Facts(
        name=entry.name,
        model=model,
        hook=hook,
        layer=None if site is None else site.layer,
        width=width,
        l0=entry.l0,
        neuronpedia=entry.neuronpedia,
        repo=entry.repo,
        file=(kind.file if kind else "{}").format(kind.path_of(entry) if kind else entry.path),
        megabytes=_megabytes(kind, model, width, site),
        loads=kind is not None,
        note=note,
    )


def hook_of(entry: Published, kind: Format | None) -> str | None:
    """Return what a published SAE writes to, as far as its names and its release say it."""
    stated = entry.overrides.get("hook_name")
    if stated:
        return str(stated)
    by_format = kind.hook_of(entry) if kind is not None else None
    in_id = _HOOK_IN_NAME.search(entry.id)
    return by_format or (in_id[0] if in_id else None)


def _power(thousands: float) -> int:
    return int(2 ** round(log2(thousands * 1000)))


_COUNTS = (
    (r"width_([1-9]\d{0,8})k", lambda text: _power(int(text))),
    (r"width_([1-9]\d{0,8})m", lambda text: _power(1000 * int(text))),
    (r"v5_([1-9]\d{0,8})k", lambda text: _power(int(text))),
    (r"saes-w-([1-9]\d{0,8})k", lambda text: _power(int(text))),
    (r"2pow(\d{1,2})", lambda text: 2 ** int(text)),
    (r"-W([1-9]\d{0,8})K-", lambda text: 1024 * int(text)),
    (r"_ds([1-9]\d{0,8})_", int),
    (r"hook_\w+?_(\d{3,6})(?=[_:/]|$)", int),
    (r"-([1-9]\d{0,8})k(?:__|$)", lambda text: _power(int(text))),
)
"""Where names say how many features there are, most certain first."""


def width_of(entry: Published) -> int | None:
    """Return how many features a published SAE has, where its names say it.

    A `16k` or `1m` stands for the power of two next to it.
    """
    text = f"{entry.repo}/{entry.path}/{entry.id}/{entry.neuronpedia}"
    for pattern, count in _COUNTS:
        found = re.search(pattern, text)
        if found:
            return count(found[1])
    factor = re.search(r"(\d{1,9})x\b", entry.path)
    widths = WIDTHS.get(repository_of(entry.model))
    return int(factor[1]) * widths.d_model if factor and widths else None


def features_in(width: str) -> int:
    """Return a number of features as people write it.

    >>> features_in("16k"), features_in("1m"), features_in("24576")
    (16384, 1048576, 24576)

    Raises:
        QueryError: when it is none.
    """
    found = re.fullmatch(r"([1-9]\d{0,8})([km]?)", width.strip().lower().replace(",", ""))
    if found is None:
        raise QueryError(f"{width!r} is no width. Write a number of features, or 16k, 131k, 1m.")
    return _power(int(found[1]) * (1000 if found[2] == "m" else 1)) if found[2] else int(found[1])


def _site(hook: str | None) -> Site | None:
    try:
        return None if hook is None else site_of(hook)
    except FormatError:
        return None


def _needed(site: Site) -> str:
    what = {"heads": "W_O", "neurons": "W_out"}.get(site.kind, "the norm")
    return f"through {what} of layer {site.layer}"


def _megabytes(
    kind: Format | None, model: str, width: int | None, site: Site | None
) -> float | None:
    widths = WIDTHS.get(model)
    if kind is None or widths is None or width is None:
        return None
    across = widths.z if site is not None and site.kind == "heads" else widths.d_model
    return width * across * kind.bytes_each / 1e6

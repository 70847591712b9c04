"""Names of published SAEs: how people who use them already write them.

| name | what it means |
|---|---|
| `gpt2-small-res-jb/blocks.8.hook_resid_pre` | a release and one of its SAEs |
| `gpt2-small-res-jb/*`, `…/layer_{0-11}/width_16k/canonical` | several of them |
| `sae_lens:RELEASE/ID` | the same, also where a folder here has that name |
| `gpt2-small/8-res-jb` | Neuronpedia's model and source |
| `https://www.neuronpedia.org/gpt2-small/8-res-jb/123` | the address of its page |
"""

from __future__ import annotations

import re
from functools import cache

from unembed.errors import SourceError, did_you_mean, listed
from unembed.load.patterns import expand_braces, fits, natural
from unembed.load.published.table import Published, published, releases

PREFIX = "sae_lens:"
_SHOWN = 6
_PAGE = re.compile(
    r"https?://(?:www\.)?neuronpedia\.org/(?P<model>[^/?#]+)/(?P<source>[^/?#]+)(?:[/?#].*)?"
)


def find_published(text: str) -> list[Published]:
    """Return the published SAEs that a name means; none where it is no such name.

    Raises:
        SourceError: when it can be nothing else, and there is no such SAE.
    """
    page = _PAGE.fullmatch(text)
    if page:
        return _of_neuronpedia(f"{page['model']}/{page['source']}", text)
    name = text.removeprefix(PREFIX)
    release, _, inside = name.partition("/")
    if release in releases():
        return _of_release(release, inside)
    if name != text:
        near = did_you_mean(release, releases())
        raise SourceError(
            f"SAELens' table has no release {release!r}.{near} `unembed saes` lists them."
        )
    known = by_neuronpedia()
    return [known[each] for each in _expanded(name) if each in known]


def entry_named(name: str) -> Published | None:
    """Return the published SAE `release/id`; None where the table has none of that name."""
    release, _, inside = name.partition("/")
    return next((entry for entry in releases().get(release, ()) if entry.id == inside), None)


def near_published(text: str) -> str:
    """Return `" Did you mean …?"` with published SAEs that are called nearly so, or nothing."""
    release, _, inside = text.removeprefix(PREFIX).partition("/")
    near = did_you_mean(release, releases(), cutoff=0.8)
    if near or not inside:
        return near
    return did_you_mean(text, by_neuronpedia(), cutoff=0.8)


@cache
def by_neuronpedia() -> dict[str, Published]:
    """Return the published SAEs that Neuronpedia has, by its `model/source`."""
    return {entry.neuronpedia: entry for entry in published() if entry.neuronpedia}


def _of_neuronpedia(source: str, text: str) -> list[Published]:
    found = by_neuronpedia().get(source)
    if found is None:
        raise SourceError(
            f"{text} is no SAE that SAELens' table knows.{did_you_mean(source, by_neuronpedia())} "
            "Name its release, or where its files are."
        )
    return [found]


def _of_release(release: str, inside: str) -> list[Published]:
    entries = releases()[release]
    ids = [entry.id for entry in entries]
    if not inside:
        raise SourceError(
            f"The release {release} holds {len(ids)} SAEs: {listed(ids, most=_SHOWN)}. Name one, "
            f"as {release}/{ids[0]}, or all, as {release}/*."
        )
    found: dict[str, Published] = {}
    for pattern in _expanded(inside):
        fitting = [each for each in entries if each.id == pattern or fits(each.id, pattern)]
        if not fitting:
            raise SourceError(
                f"The release {release} has no SAE {pattern!r}.{did_you_mean(pattern, ids)} Its "
                f"{len(ids)} SAEs: {listed(ids, most=_SHOWN)}."
            )
        found |= {each.id: each for each in sorted(fitting, key=lambda each: natural(each.id))}
    return list(found.values())


def _expanded(text: str) -> list[str]:
    return expand_braces(text) if "{" in text else [text]

"""Banks as they are read through the lenses that a person names, one or several."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import cache

from unembed.errors import FormatError, UnembedError
from unembed.features import Features
from unembed.layer_lens import LayerLens
from unembed.lens import LENSES, Lens
from unembed.load.lenses.lens_file import LensFile
from unembed.load.lenses.of_bank import LensLayer, block_behind, layer_for
from unembed.load.lenses.open import load_lens
from unembed.load.models.model import Model
from unembed.load.places import given_name
from unembed.load.stream.along import point_of

STABLE = 0.7
"""Of the outermost ten tokens, the share that halves of a lens's prompts have in common on average,
below which a reader is warned."""


def split_lenses(text: str) -> tuple[Lens, list[str]]:
    """Return how W_U is prepared for the lenses that a text names, and all of them in order.

    >>> split_lenses("logit,jacobian"), split_lenses("cosine")
    (('logit', ['logit', 'jacobian']), ('cosine', ['cosine']))

    Raises:
        UnembedError: when it names none, one twice, or the cosine beside others.
    """
    named = [part.strip() for part in text.split(",")]
    if not all(named) or len(set(named)) < len(named):
        raise UnembedError(
            f"{text!r} names no lens, or one twice: write logit, cosine, jacobian, tuned or a "
            "file, several with commas between, each once."
        )
    if "cosine" in named and len(named) > 1:
        raise UnembedError(
            "The cosine lens has a W_U of its own, with rows of length 1: it cannot stand beside "
            "another lens in one run. Make a run of it alone."
        )
    return ("cosine" if named == ["cosine"] else "logit"), named


def through_lenses(
    banks: Sequence[Features],
    lenses: Sequence[str],
    *,
    model: Model | None = None,
    layer: int | None = None,
    another_model: bool = False,
) -> list[Features]:
    """Return banks as they are through each lens: all of them through the first, then the next.

    >>> through_lenses(banks, ["logit", "jacobian"], model=model)  # doctest: +SKIP
    [Features(mlp.10: …), Features(mlp.10.jacobian: …)]

    Args:
        banks: in their own layers.
        lenses: `logit` (the banks as they are), or references as `load_lens` takes them;
            `NAME=REFERENCE` says what banks are called through it.
        model: whose published lenses `jacobian` and `tuned` are, and that files are held against.
        layer: of the lens, whatever the banks' hooks say.
        another_model: whether a lens that was fitted on another model of that width is meant.

    Raises:
        SourceError, FormatError, ShapeError: when a lens is not there, not understood, not this
            model's, or lacks the layer of a bank.
        UnembedError: when two lenses have one name.
    """
    found: list[Features] = []
    names: set[str] = set()
    for text in lenses:
        if text in LENSES:
            found += banks
            continue
        name, reference = given_name(text)
        lens = load_lens(reference, model=model, another_model=another_model)
        name = name or lens.kind
        if name in names:
            raise UnembedError(
                f"Two lenses are named {name!r}, and a bank's name ends with its lens. Name one of "
                "them otherwise, as NAME=REFERENCE."
            )
        names.add(name)
        found += through(banks, lens, name=name, layer=layer)
    return found


def through(
    banks: Iterable[Features], lens: LensFile, *, name: str | None = None, layer: int | None = None
) -> list[Features]:
    """Return banks through one lens, each through the matrix of the layer that it writes to.

    Args:
        banks: in their own layers.
        lens: opened.
        name: what their names end with; what kind of lens it is, by default.
        layer: of the lens, whatever the banks' hooks say.

    Raises:
        SourceError, FormatError: when the lens lacks a bank's layer, or it is not known.
    """
    of_layer = cache(lambda at: _layer_lens(lens, at, name or lens.kind))
    chosen = [
        layer_for(bank.hook, lens, bank=bank.name) if layer is None else _asked(lens, layer, bank)
        for bank in banks
    ]
    return [
        bank.through(of_layer(at.layer).noted(() if at.is_exact else (at.said,)))
        for bank, at in zip(banks, chosen, strict=True)
    ]


def _asked(lens: LensFile, layer: int, bank: Features) -> LensLayer:
    """Return the layer that its user names, with a word where the bank's hook says otherwise.

    Raises:
        SourceError: when the lens does not have it.
    """
    if not lens.has(layer):
        raise lens.lacks(layer)
    with suppress(FormatError):  # a hook that is not known says nothing
        behind = layer if bank.hook is None else block_behind(point_of(bank.hook))
        if behind != layer:
            said = f"The lens of layer {layer} was asked for; {bank.hook} has that of {behind}."
            return LensLayer(layer, said, is_exact=False)
    return LensLayer(layer, f"The lens of layer {layer} was asked for.")


def _layer_lens(lens: LensFile, layer: int, name: str) -> LayerLens:
    stability = lens.stability.get(layer, {})
    details = {
        "capture_point": lens.capture_point,
        **({} if lens.n_prompts is None else {"n_prompts": lens.n_prompts}),
        **({"stability": dict(stability)} if stability else {}),
    }
    notes = (*lens.notes, *_unstable(stability.get("top10"), layer))
    return LayerLens(name, lens.kind, layer, lens.matrix(layer), notes, details, dict(lens.source))


def _unstable(shared: float | None, layer: int) -> tuple[str, ...]:
    """Say so where halves of the prompts that a lens was fitted on read other tokens."""
    if shared is None or shared >= STABLE:
        return ()
    return (
        f"The lens of layer {layer} is not stable: by halves of its prompts, {shared:.0%} of a "
        "direction's ten outermost tokens are the same. Fit it on more of them.",
    )

"""Banks of features from the decoders that formats find, as they reach the residual stream."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from unembed.errors import FormatError, ShapeError, SourceError
from unembed.facts import ReadFacts
from unembed.features import Features
from unembed.load.catalogue.facts import hook_of
from unembed.load.formats import Decoder, Format, Seen, decoders_of, format_of
from unembed.load.formats.matrix import MATRIX
from unembed.load.models.model import Model
from unembed.load.models.open import load_model
from unembed.load.names import Source
from unembed.load.stream import Site, from_stream, known_site, site_of, to_stream
from unembed.load.stream.passage import Reached, needs_model
from unembed.load.stream.reads import needs_norm
from unembed.load.stream.sites import layer_of


def opener(model: str | Path | Model) -> Callable[[], Model]:
    """Return what opens a model, once, when it is first needed."""
    return cache(lambda: load_model(model) if isinstance(model, str | Path) else model)


@dataclass(frozen=True)
class Asked:
    """What is known beside the reference.

    Attributes:
        model: opens the model; None where none is known.
        hook: where directions are written whose files do not say it.
        d_model: returns how wide the residual stream is, which may tell rows from columns; None
            where no model was named.
    """

    model: Callable[[], Model] | None = None
    hook: str | None = None
    d_model: Callable[[], int] | None = None


def sources_of(
    seen: Seen, asked: Asked, part: str | None = None, kind: Format | None = None
) -> list[Source]:
    """Return the banks that a place holds, none of them read yet.

    Args:
        seen: the place.
        asked: what was said beside it.
        part: which of several banks, see `decoders_of`.
        kind: its format; told by the place itself if not given.

    Raises:
        FormatError: when the place holds no directions that are understood.
        SourceError: when there is nothing there.
    """
    kind = kind or format_of(seen)
    readers = [_Reader(each, kind, seen, asked) for each in decoders_of(seen, kind, part)]
    return [
        Source(
            f"{seen.path}{each.decoder.part and f':{each.decoder.part}'}",
            each,
            model=seen.model or each.decoder.model,
            reads=each.reading,
        )
        for each in readers
    ]


@dataclass(frozen=True)
class _Reader:
    """Reads one bank when it is called."""

    decoder: Decoder
    kind: Format
    seen: Seen
    asked: Asked

    def __call__(self) -> Features:
        hook = self._hook()
        site = Site("stream") if hook is None else self._site(hook)
        reached = self._reached(site)
        return Features.from_array(
            reached.W_dec,
            name=self.decoder.name,
            origin=self._origin(reached, through=needs_model(site)),
            hook=hook,
            layer=site.layer if self.decoder.layer is None else self.decoder.layer,
            **self._beside(),
        )

    def reading(self) -> list[Features]:
        """Return the bank of what the features read: the encoder's rows, as they read the stream.

        Its features are those of the bank that they write, in the same order, and it is called
        `….encoder`; the hook and the layer are those that are read. Of the file the encoder alone
        is read.

        Raises:
            FormatError: when there is no encoder that is understood, or the tokens' embeddings do
                not come by where it reads; it says why.
            ShapeError, SourceError: as for what is written.
        """
        encoder, place = self.decoder.encoder, self.seen.place.name
        if encoder is None:
            why = self.decoder.no_encoder or "its format keeps none"
            raise FormatError(f"What the features of {place} read is not known: {why}.")
        hook = encoder.hook or self._hook() or ""
        try:
            through = needs_norm(hook, centred_stream=encoder.centred_stream)
            model = self._model_of_reading(through)
            reached = from_stream(
                encoder.read(), hook, model, centred=encoder.centred,
                centred_stream=encoder.centred_stream, folded=encoder.folded,
            )  # fmt: skip
        except (FormatError, ShapeError, SourceError) as error:
            raise self._at_place(error) from error
        done = Reached(reached.W_dec, encoder.steps + reached.steps)
        stated = {"written_at": self.asked.hook} if self.asked.hook else {}
        bank = Features.from_array(
            done.W_dec,
            name=f"{self.decoder.name}.encoder",
            origin={**self._origin(done, through), **stated},
            hook=hook,
            layer=layer_of(hook),
            reads=ReadFacts("encoder", self.decoder.name, []),
            **self._beside(),
        )
        return [bank]

    def _model_of_reading(self, through: bool) -> Model | None:
        """Return the model where its norms lie between, or where its user named it."""
        asked = self.asked
        if asked.model is None or not (through or asked.d_model is not None):
            return None
        return asked.model()

    def _at_place(self, error: Exception) -> Exception:
        """Return an error that names the place."""
        place = self.seen.place.name
        return error if place in str(error) else type(error)(f"{place}: {error}")

    def _beside(self) -> dict[str, Any]:
        """Return what is said of the features, whichever side of them is read."""
        decoder, published = self.decoder, self.seen.published
        source = published.neuronpedia if published is not None else None
        return {
            "neuronpedia": source or decoder.neuronpedia,
            "log10_density": decoder.log10_density and decoder.log10_density(),
        }

    def _site(self, hook: str) -> Site:
        try:
            return site_of(hook)
        except FormatError as error:
            raise FormatError(f"{self.seen.place.name}: {error}") from error

    def _reached(self, site: Site) -> Reached:
        decoder = self.decoder
        if not needs_model(site):
            self._check_followed(site)
            return Reached(decoder.read(self._width()), decoder.steps)
        model = self._model()
        outside = site.kind in ("heads", "neurons")  # not as wide as the stream
        directions = decoder.read(None if outside else model.d_model)
        try:
            reached = to_stream(directions, site, model, decoder.head)
        except (FormatError, ShapeError, SourceError) as error:
            raise type(error)(f"{self.seen.place.name}: {error}") from error
        return Reached(reached.W_dec, decoder.steps + reached.steps)

    def _check_followed(self, site: Site) -> None:
        """Check that a model that was named keeps what is in the stream of a layer as it is."""
        if self.asked.d_model is not None and self.asked.model and site.layer is not None:
            self.asked.model().check_followed(site.layer)

    def _width(self) -> int | None:
        """Return the width that may tell rows from columns, where that is needed and known."""
        ask = self.asked.d_model if self.decoder.by_width else None
        return None if ask is None else ask()

    def _model(self) -> Model:
        """Return the model that the directions go through.

        Raises:
            FormatError: when nobody says which.
        """
        if self.asked.model is None:
            raise FormatError(
                f"{self.seen.place.name} writes to {self._hook()}, and the model's own matrices "
                "lie between that and the residual stream: say which model, with model=…"
            )
        return self.asked.model()

    def _hook(self) -> str | None:
        """Return where the directions are written: by the file, its release, or its user.

        Raises:
            FormatError: when nobody says it, or two say different things.
        """
        published, stated = self.seen.published, self.asked.hook
        found = self.decoder.hook
        if found is None and published is not None:
            found = hook_of(published, self.kind)
        if found is None and stated is None and self.kind is not MATRIX:
            raise FormatError(
                f"{self.seen.place.name} does not say where its directions are written, and a "
                "width is no proof. Say so with --hook (in Python hook=…), such as "
                "--hook blocks.8.hook_resid_post."
            )
        if found and stated and known_site(found) not in (None, site_of(stated)):
            raise FormatError(
                f"{self.seen.place.name} writes to {found}, not to {stated}. Leave out --hook."
            )
        return stated or found

    def _origin(self, reached: Reached, through: bool) -> dict[str, Any]:
        """Return what the manifest keeps: enough to read the very same bank again."""
        decoder, published = self.decoder, self.seen.published
        trained_on = self.seen.model or decoder.model
        trained = {"trained_on": trained_on} if self.kind is not MATRIX else {}
        return {
            "format": self.kind.name,
            **self.seen.place.origin,
            **({"published": published.name} if published is not None else {}),
            **({"part": decoder.part} if decoder.part else {}),
            **({"d_model": width} if (width := self._width()) else {}),
            **decoder.details,
            **trained,
            **({"steps": list(reached.steps)} if reached.steps else {}),
            **({"through": self._model().origin} if through else {}),
        }

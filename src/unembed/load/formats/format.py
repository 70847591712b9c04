"""What a format of published directions is: how to know it, and where its decoder lies.

A format is one module of this folder and one row of the table in `__init__`. It looks at what is
in the folder and at the configs, never at a file's ending alone, and returns `Decoder`s: banks that
are described, and read when they are asked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from unembed.errors import FormatError, listed
from unembed.load.folder import Folder
from unembed.load.formats.reading import read_config
from unembed.load.published.table import Published
from unembed.load.reference import Place
from unembed.load.tensors.file import TensorFile
from unembed.outside.fields import Fields
from unembed.outside.layers import layer_in


@dataclass(frozen=True)
class Encoder:
    """What a dictionary's features read, as its file keeps it.

    Only directions matter: a factor above 0 of each feature, and one for all that it reads, are
    left out, and so are biases.

    Attributes:
        read: returns [F, width], row i the direction that feature i's pre-activation reads, in
            the order of the decoder's rows. It reads the encoder alone, when it is called, and
            raises FormatError where there is none, or none of as many features as the decoder.
        hook: where it reads, as the file or its release says; None: where the decoder writes.
        centred: whether what it reads goes through a LayerNorm without parameters first.
        centred_stream: whether the model was loaded with `center_writing_weights`: where its norms
            are LayerNorms, TransformerLens takes the mean out of all that is in the stream.
        folded: whether the model was loaded with each norm's weight folded into the matrices
            behind it (`fold_ln`); None where nothing says so.
        steps: what `read` does beyond reading, in words.
    """

    read: Callable[[], Tensor]
    hook: str | None = None
    centred: bool = False
    centred_stream: bool = False
    folded: bool | None = None
    steps: tuple[str, ...] = ()


@dataclass(frozen=True)
class Decoder:
    """One bank of directions as its file keeps it, before it is taken to the residual stream.

    Attributes:
        name: of the bank, such as `sae.8`.
        read: returns [F, width]; it is told the width that is wanted, None where nobody knows.
        by_width: whether the format leaves it to the width which axis is which.
        hook: where the directions are written, as the file or its release says; None where
            neither does.
        layer: that they write to, where known.
        head: the one attention head they are of, where they are of one.
        part: which of several banks of one place, such as `5→9`; empty where it is the only one.
        model: the model they were made for, where known.
        neuronpedia: Neuronpedia's `model/source`, where known.
        log10_density: reads [F] log10 of the share of tokens each fires on, where it is there.
        steps: what `read` does beyond reading, in words.
        details: more of the manifest's `origin`, such as the architecture.
        encoder: what its features read; None where that is not a direction each, or not known.
        no_encoder: why there is none, in words.
    """

    name: str
    read: Callable[[int | None], Tensor]
    by_width: bool = False
    hook: str | None = None
    layer: int | None = None
    head: int | None = None
    part: str = ""
    model: str | None = None
    neuronpedia: str | None = None
    log10_density: Callable[[], npt.NDArray[np.float32]] | None = None
    steps: tuple[str, ...] = ()
    details: dict[str, Any] = field(default_factory=dict)
    encoder: Encoder | None = None
    no_encoder: str = ""

    def that_reads(self, found: Encoder | str) -> Decoder:
        """Return the same bank with what its features read, or why that is not known."""
        if isinstance(found, str):
            return replace(self, encoder=None, no_encoder=found)
        return replace(self, encoder=found, no_encoder="")


@dataclass(frozen=True)
class Seen:
    """A place that may hold directions, as formats look at it.

    Attributes:
        place: a folder, or one file of it.
        published: its row in the table of published SAEs, where it was named by that.
    """

    place: Place
    published: Published | None = None

    @property
    def folder(self) -> Folder:
        """The folder, or that of the file."""
        return self.place.folder

    @cached_property
    def names(self) -> list[str]:
        """The files of the folder."""
        return self.folder.names()

    @property
    def path(self) -> str:
        """Where it is in words: `hf:google/gemma-scope-2b-pt-res/layer_20/…`."""
        if self.published is not None:
            return f"{self.published.repo}/{self.published.path}"
        return self.place.name

    @property
    def model(self) -> str | None:
        """The model that its release names, where it was named by that."""
        return None if self.published is None else self.published.model

    def number(self, pattern: str) -> int | None:
        """Return the last number of the path that a pattern's one group finds."""
        return last_number(pattern, self.path)

    def holds(self, config: str, weights: str) -> bool:
        """Return whether a config and weights lie here, and no other file was named."""
        named = self.place.file in (None, weights)
        return named and self.folder.has(config) and self.folder.has(weights)

    def matching(self, pattern: str) -> str | None:
        """Return the name of the file that a pattern fits: the one named, or the only one.

        Raises:
            FormatError: when several fit and none of them was named.
        """
        if self.place.file is not None:
            return self.place.file if re.fullmatch(pattern, self.place.file) else None
        found = [name for name in self.names if re.fullmatch(pattern, name)]
        if len(found) > 1:
            raise FormatError(
                f"{self.place.name} holds {len(found)} banks: {listed(found, most=6)}. Name one of "
                f"them, {self.place.name}/{found[0]}, or several with a pattern: layer_{{0-11}}, "
                "or *."
            )
        return found[0] if found else None

    @property
    def around(self) -> list[Folder]:
        """The folder and the one above it, where there is one."""
        above = self.folder.parent()
        return [self.folder] if above is None else [self.folder, above]

    def config(self, name: str) -> Fields:
        """Return the settings of a config file, JSON or YAML; none where there is no such file.

        Raises:
            FormatError: when it cannot be read as a table of settings.
        """
        if self.folder.has(name):
            return read_config(self.folder, name)
        return Fields({}, f"{self.folder.name}/{name}")

    def tensors(self, name: str) -> TensorFile:
        """Return a file of the folder, of which single tensors can be read."""
        if name not in self._opened:
            self._opened[name] = self.folder.tensors(name)
        return self._opened[name]

    @cached_property
    def _opened(self) -> dict[str, TensorFile]:
        return {}

    @property
    def folder_name(self) -> str:
        """The folder's own name, without those above it."""
        name = self.folder.name
        whole = name.partition("@")[0] if name.startswith("hf:") else name
        return whole.rstrip("/").rpartition("/")[2]


def last_number(pattern: str, text: str) -> int | None:
    r"""Return the layer that a pattern's one group finds last in a text.

    >>> last_number(r"layer_(\d+)", "layer_20/width_16k")
    20

    Raises:
        FormatError: when no model has as many.
    """
    found = re.findall(pattern, text)
    return layer_in(found[-1], text) if found else None


def bank_of(kind: str, layer: int | str | None) -> str:
    """Return a bank's name.

    >>> bank_of("sae", 8), bank_of("sae", None)
    ('sae.8', 'sae')
    """
    return kind if layer is None else f"{kind}.{layer}"


@dataclass(frozen=True)
class Format:
    """One format of published directions.

    Attributes:
        name: in manifests; never changed once runs have it.
        title: whose format it is, as the docs say.
        stores: where the decoder lies and how it is turned, as the docs say.
        encodes: the same of the encoder, or why there is none to be read.
        fits: whether a place is of this format, from its listing and configs.
        decoders: the banks that a place of this format holds.
        loaders: what SAELens calls its loaders of it, which the table of published SAEs names.
        path_of: a published SAE's path in its repository.
        file: the file of it that is read, with `{}` for that path.
        bytes_each: how many bytes a number of it has, for lists to say what would be fetched.
        hook_of: what a published SAE writes to, as far as its names alone say it.
    """

    name: str
    title: str
    stores: str
    encodes: str
    fits: Callable[[Seen], bool]
    decoders: Callable[[Seen], list[Decoder]]
    loaders: tuple[str, ...] = ()
    path_of: Callable[[Published], str] = lambda published: published.path
    file: str = "{}"
    bytes_each: int = 4
    hook_of: Callable[[Published], str | None] = lambda published: None

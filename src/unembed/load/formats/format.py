"""What a format of published directions is: how to know it, and where its decoder lies.

A format is one module of this folder and one row of the table in `__init__`. It looks at what is
in the folder and at the configs, never at a file's ending alone, and returns `Decoder`s: banks that
are described, and read when they are asked for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import yaml
from torch import Tensor

from unembed.errors import FormatError
from unembed.load.folder import Folder
from unembed.load.published.table import Published
from unembed.load.reference import Place
from unembed.load.tensors.file import Part, TensorFile

Faces = Literal["rows", "columns"]
"""`rows`: stored [F, d], one direction a row. `columns`: stored [d, F]."""


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

    def number(self, pattern: str) -> int | None:
        """Return the last number of the path that a pattern's one group finds."""
        found = re.findall(pattern, self.path)
        return int(found[-1]) if found else None

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
                f"{self.place.name} holds {len(found)} banks: {', '.join(found[:6])}"
                f"{', …' if len(found) > 6 else ''}. Name one of them, "
                f"{self.place.name}/{found[0]}, or several with a pattern: layer_{0 - 11}, or *."
            )
        return found[0] if found else None

    def config(self, name: str) -> dict[str, Any]:
        """Return a config file of the folder, JSON or YAML; an empty one where there is none.

        Raises:
            FormatError: when it cannot be read as a table of settings.
        """
        return read_config(self.folder, name) if self.folder.has(name) else {}

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
        return self.folder.name.partition("@")[0].rstrip("/").rpartition("/")[2]


@dataclass(frozen=True)
class Format:
    """One format of published directions.

    Attributes:
        name: in manifests; never changed once runs have it.
        title: whose format it is, as the docs say.
        stores: where the decoder lies and how it is turned, as the docs say.
        fits: whether a place is of this format, from its listing and configs.
        decoders: the banks that a place of this format holds.
        loaders: what SAELens calls its loaders of it, which the table of published SAEs names.
        path_of: a published SAE's path in its repository.
        file: the file of it that is read, with `{}` for that path.
        hook_of: what a published SAE writes to, as far as its names alone say it.
    """

    name: str
    title: str
    stores: str
    fits: Callable[[Seen], bool]
    decoders: Callable[[Seen], list[Decoder]]
    loaders: tuple[str, ...] = ()
    path_of: Callable[[Published], str] = lambda published: published.path
    file: str = "{}"
    hook_of: Callable[[Published], str | None] = lambda published: None


def read_config(folder: Folder, name: str) -> dict[str, Any]:
    """Return a config file, JSON or YAML by its name.

    Raises:
        FormatError: when it cannot be read as a table of settings.
    """
    path = folder.fetch(name)
    kind = "YAML" if name.endswith((".yaml", ".yml")) else "JSON"
    try:
        content = (yaml.safe_load if kind == "YAML" else json.loads)(path.read_bytes())
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        raise FormatError(f"{path} is not {kind}: {error}. Download it again.") from error
    if not isinstance(content, dict):
        raise FormatError(f"{path} should be a {kind} object of settings.")
    return content


def matrix(
    file: TensorFile,
    tensor: str,
    place: str,
    *,
    faces: Faces = "rows",
    part: Part | None = None,
    bias: str | None = None,
    sure: bool = True,
) -> Callable[[int | None], Tensor]:
    """Return what reads one matrix of directions as [F, width].

    Args:
        file: where it is.
        tensor: its name.
        place: the file, as errors name it.
        faces: how the format stores it.
        part: which part of the tensor is the matrix, as an index.
        bias: the tensor that is as long as a direction, where the format has one (`b_dec`); it
            tells the two axes apart whatever the format says.
        sure: whether the format alone says how it is turned; if not, the model's width decides
            where it can.
    """

    def read(width: int | None) -> Tensor:
        shapes = file.shapes()
        rank = len(shapes.get(tensor, ())) - sum(isinstance(at, int) for at in part or ())
        if tensor in shapes and rank != 2:
            raise FormatError(
                f"{place}: {tensor} has shape {list(shapes[tensor])}; expected a matrix of "
                "directions, [features, d_model]."
            )
        found = file.read(tensor, part)
        check_values(found, f"{place}, tensor {tensor},")
        known = next(iter(shapes.get(bias or "", ())[-1:]), None)
        turned = _faces(found, known if known or sure else width, faces)
        return found.T if turned == "columns" else found

    return read


def _faces(found: Tensor, width: int | None, faces: Faces) -> Faces:
    """Return how a matrix is turned: the width tells, where one axis alone fits it."""
    rows, columns = found.shape[1] == width, found.shape[0] == width
    return faces if rows == columns else "rows" if rows else "columns"


def check_values(found: Tensor, what: str) -> None:
    """Check that a tensor's numbers are directions as they are stored.

    Raises:
        FormatError: for whole numbers, and for 8-bit floats, whose scales would have to be known.
    """
    if found.is_floating_point() and found.element_size() >= 2:
        return
    bits = " without scales that are understood" if found.element_size() == 1 else ""
    raise FormatError(
        f"{what} holds {str(found.dtype).removeprefix('torch.')}{bits}; expected directions in "
        "floating point of 16 to 64 bits."
    )


def only(file: TensorFile, *names: str) -> str | None:
    """Return the one tensor of a file that has one of these names, also inside other dicts.

    `ae.decoder.weight` is `decoder.weight` of a checkpoint that nests its state dict. The first
    name that is there counts; what an optimizer keeps does not.
    """
    for name in names:
        found = [
            each
            for each in file.shapes()
            if (each == name or each.endswith(f".{name}")) and "optim" not in each
        ]
        if name in found or len(found) == 1:
            return name if name in found else found[0]
    return None


def needs(config: Mapping[str, Any], key: str, where: str) -> Any:
    """Return a setting that has to be there.

    Raises:
        FormatError: naming the file and the setting.
    """
    if key not in config:
        raise FormatError(
            f"{where} has no {key!r}. It has: {', '.join(map(str, list(config)[:12]))}."
        )
    return config[key]

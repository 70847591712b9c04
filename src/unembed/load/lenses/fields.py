"""What a file of a lens says beside its matrices: fields at the top, and in tables inside.

Writers put the same fields in different places: `n_prompts` at the top, `capture_point` in
`metadata` or in `provenance`. A table inside counts after the top.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from unembed.errors import FormatError
from unembed.load.tensors.file import TensorFile
from unembed.load.tensors.safetensors import Safetensors
from unembed.load.tensors.torch_legacy import LegacyTorch
from unembed.load.tensors.torch_zip import TorchZip
from unembed.outside import limits
from unembed.outside.documents import parse_json
from unembed.outside.fields import Fields, is_number, is_whole

_TABLES = ("unembed", "lens", "metadata", "provenance")
_LAYER = re.compile(r"-?\d{1,5}", re.ASCII)
_JSON = re.compile(r'\s*[\[{"\d-]|\s*(?:true|false|null)\s*$')


class Said:
    """The fields of a file of a lens.

    Args:
        content: of the file, as plain values.
        where: the file, as errors name it.

    Raises:
        FormatError: at a question, when a field is not what it must be.
    """

    def __init__(self, content: Mapping[str, Any], where: str) -> None:
        self.where = where
        tables = [Fields(content, where)]
        tables += [tables[0].table(key) for key in _TABLES if isinstance(content.get(key), Mapping)]
        self._tables = tables

    @property
    def all(self) -> dict[str, Any]:
        """All of them in one table, without those that were matrices."""
        found: dict[str, Any] = {}
        for table in reversed(self._tables):
            found |= table.content
        matrices = ("J", "jacobian_sum", *_TABLES)
        return {key: value for key, value in found.items() if key not in matrices}

    def text(self, key: str) -> str | None:
        """Return a text of one line; None where it is absent."""
        return self._in(key).text(key)

    def whole(self, key: str, most: int, least: int = 0) -> int | None:
        """Return a whole number in a range; None where it is absent."""
        return self._in(key).whole(key, most, least)

    def layer(self, key: str) -> int | None:
        """Return the number of a block, which may be counted from the end; None where absent."""
        return self._in(key).whole(key, limits.LAYERS, -limits.LAYERS)

    def name(self, key: str) -> str | None:
        """Return a model's name, also of a table `{"name": …}`; None where it is absent."""
        found = self._in(key).content.get(key)
        if isinstance(found, Mapping):
            return Fields(found, f"{self.where}, {key}").text("name")
        return self.text(key)

    def layers(self, key: str) -> list[int] | None:
        """Return a list of layers; None where it is absent.

        Raises:
            FormatError: when it lists something else.
        """
        fields = self._in(key)
        found = fields.items(key)
        if not all(is_whole(layer, limits.LAYERS, -1) for layer in found or ()):
            raise fields.wrong(key, "a list of layers")
        return found

    def by_layer(self, key: str) -> dict[int, dict[str, float]]:
        """Return numbers by name, by layer; empty where it is absent.

        Raises:
            FormatError: when it is no such table.
        """
        fields = self._in(key)
        found: dict[int, dict[str, float]] = {}
        for layer, values in fields.table(key).content.items():
            if not _LAYER.fullmatch(layer) or not isinstance(values, Mapping):
                raise fields.wrong(key, "a table of numbers by layer")
            found[int(layer)] = {k: float(v) for k, v in values.items() if is_number(v)}
        return dict(sorted(found.items()))

    def _in(self, key: str) -> Fields:
        """Return the first table that says a field."""
        return next((each for each in self._tables if each.says(key)), self._tables[0])


def said_in(file: TensorFile, place: str) -> Said:
    """Return what a file says beside its tensors.

    Args:
        file: any; what is no torch file and no safetensors says nothing.
        place: the file, as errors name it.

    Raises:
        FormatError: when it is damaged.
    """
    if isinstance(file, Safetensors):
        return Said({key: _value(each) for key, each in file.said().items()}, place)
    return Said(file.said() if isinstance(file, TorchZip | LegacyTorch) else {}, place)


def _value(text: object) -> object:
    """Return what a text of a safetensors header says: JSON, or itself."""
    if not isinstance(text, str) or not _JSON.match(text):
        return text
    try:
        return parse_json(text.encode(), "")
    except (FormatError, UnicodeError):
        return text

"""Objects of an export, or of a dashboard, held against what they must be.

Three programs write them, with one name or two for the same thing: Neuronpedia's own exports
(`utils/neuronpedia-utils` of its repository), its web API, and SAEDashboard's `batch-N.json`
(`NeuronpediaDashboardBatch.to_dict`, PyPI `sae-dashboard` 0.8.0). An index is a number or a text.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from unembed.errors import FormatError
from unembed.outside import limits
from unembed.outside.fields import Fields, needed
from unembed.outside.text import has_half, quoted


class Density(NamedTuple):
    """How often, and how strongly, a feature fires."""

    feature: int
    density: float | None
    max_activation: float | None

    def with_(self, other: Density) -> Density:
        """Return both in one: a later file says what an earlier one left out."""
        mine = {name: value for name, value in self._asdict().items() if value is not None}
        return Density(**{**other._asdict(), **mine})


class Explanation(NamedTuple):
    """What a feature is said to fire on: text, the way it was made, and the model that wrote it."""

    feature: int
    text: str
    type: str | None
    model: str | None


class Text(NamedTuple):
    """A text that a feature fires on: its tokens, the activations, and where the largest is."""

    feature: int
    value: float
    tokens: tuple[str, ...]
    values: tuple[float, ...]
    at: int


Record = Density | Explanation | Text


class Whose:
    """Whose features the objects are: what they say of it must be the same everywhere.

    Args:
        source: `model/source` that is wanted; None for whatever the first object says.
        layer: that a dashboard, which has no name of the source, must be of; None for any.
    """

    def __init__(self, source: str | None, layer: int | None = None) -> None:
        self.source = source
        self.layer = layer

    def check(self, fields: Fields) -> None:
        """Check an object of an export against what is wanted.

        Raises:
            FormatError: when it is of another model or source.
        """
        said = [fields.text(key) for key in ("modelId", "layer")]
        if None in said:
            return
        found = "/".join(map(str, said))
        self.source = self.source or found
        if found != self.source:
            raise FormatError(
                f"{fields.where} is of {found}, and features of {self.source} are asked for. Give "
                "the files of that one; or say with --neuronpedia BANK=MODEL/SOURCE what the bank "
                "is called there."
            )

    def check_dashboard(self, fields: Fields) -> None:
        """Check a file of SAEDashboard: it says its layer, and calls itself what it likes.

        Raises:
            FormatError: when it is of another layer.
        """
        found = fields.content.get("layer")
        if self.layer is not None and isinstance(found, int) and found != self.layer:
            raise FormatError(
                f"{fields.where} is a dashboard of layer {found}, and the bank is of layer "
                f"{self.layer}. Give the file of that layer."
            )


def records_of(found: Any, where: str, whose: Whose) -> Iterator[Record]:
    """Yield what one object says, told by the fields that it has.

    Args:
        found: the object: of a line, or of a whole file.
        where: the file and the line, as errors name them.
        whose: features are meant.

    Raises:
        FormatError: when it is none of these, or a field is not what it must be.
    """
    if isinstance(found, list):
        for place, each in enumerate(found, 1):
            yield from records_of(each, f"{where}, item {place:,}", whose)
        return
    fields = Fields(found, where)
    if "features" in fields:
        whose.check_dashboard(fields)
        for place, each in enumerate(needed(fields.items("features"), fields, "features"), 1):
            yield from _dashboard_feature(Fields(each, f"{where}, feature {place:,}"))
    elif "feature_index" in fields:
        yield from _dashboard_feature(fields)
    else:
        yield from _of_export(fields, whose)


def _of_export(fields: Fields, whose: Whose) -> Iterator[Record]:
    whose.check(fields)
    if "description" in fields:
        yield from _explanation(fields, _index(fields, "index"))
    elif "tokens" in fields and "values" in fields:
        yield from _text(fields, _index(fields, "index"))
    elif "index" in fields:
        yield from _feature(fields, whose)
    else:
        raise FormatError(
            f"{fields.where} is no feature, explanation or activation of Neuronpedia: it has "
            f"neither description, nor tokens and values, nor index. It has: "
            f"{', '.join(quoted(key, 40) for key in list(fields)[:8])}. Give batch-N.jsonl.gz of "
            "an export, or a batch-N.json of SAEDashboard."
        )


def _feature(fields: Fields, whose: Whose) -> Iterator[Record]:
    """Yield a feature of `features/`; the API's own, and our export, hold the other kinds, too."""
    index = _index(fields, "index")
    yield Density(index, _density(fields), _number(fields, "maxActApprox"))
    for key in ("explanations", "activations"):
        for place, each in enumerate(fields.items(key) or (), 1):
            inner = Fields(each, f"{fields.where}, {key} {place:,}")
            whose.check(inner)
            yield from (_explanation if key == "explanations" else _text)(inner, index)


def _dashboard_feature(fields: Fields) -> Iterator[Record]:
    index = _index(fields, "feature_index")
    strongest: float | None = None
    for place, each in enumerate(fields.items("activations") or (), 1):
        for text in _text(Fields(each, f"{fields.where}, activation {place:,}"), index):
            strongest = text.value if strongest is None else max(strongest, text.value)
            yield text
    yield Density(index, _density(fields), strongest)


def _explanation(fields: Fields, index: int) -> Iterator[Explanation]:
    found = fields.content.get("description")
    if found is None:
        return
    if not isinstance(found, str) or len(found) > limits.EXPLANATION or has_half(found):
        raise fields.wrong("description", f"a text of at most {limits.EXPLANATION:,} characters")
    text = " ".join(found.split())
    if text:
        yield Explanation(index, text, fields.text("typeName"), fields.text("explanationModelName"))


def _text(fields: Fields, index: int) -> Iterator[Text]:
    tokens, values = fields.items("tokens"), fields.items("values")
    if not tokens or not values:
        return
    if len(tokens) != len(values) or len(tokens) > limits.EXAMPLE_TOKENS:
        raise FormatError(
            f"{fields.where} has {len(tokens):,} tokens and {len(values):,} values: one value a "
            f"token is needed, at most {limits.EXAMPLE_TOKENS:,}. Mend it, or download it again."
        )
    if not all(isinstance(token, str) and not has_half(token) for token in tokens):
        raise fields.wrong("tokens", "a list of texts")
    if not all(type(value) in (int, float) and math.isfinite(value) for value in values):
        raise fields.wrong("values", "a list of finite numbers")
    at = max(range(len(values)), key=values.__getitem__)
    yield Text(index, float(values[at]), tuple(tokens), tuple(map(float, values)), at)


def _index(fields: Fields, key: str) -> int:
    found = fields.content.get(key)
    number = int(found) if isinstance(found, str) and _is_digits(found) else found
    if isinstance(number, bool) or not isinstance(number, int):
        raise fields.wrong(key, "a feature's number")
    if not 0 <= number < limits.FEATURES:
        raise fields.wrong(key, f"a number from 0 to {limits.FEATURES - 1:,}")
    return number


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 12


def _density(fields: Fields) -> float | None:
    found = _number(fields, "frac_nonzero")
    if found is not None and not 0 <= found <= 1:
        raise fields.wrong("frac_nonzero", "a share from 0 to 1")
    return found


def _number(fields: Fields, key: str) -> float | None:
    """Return a number, None where there is none: programs write NaN for it, too."""
    found: Mapping[str, Any] = fields.content
    value = found.get(key)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return fields.number(key)

"""An attribution graph as circuit-tracer and Neuronpedia keep it: JSON, of which its nodes count.

A node of a feature has `node_id` (`layer_index_position`), `layer`, `feature` (see `pairing`),
`feature_type` and `clerp`, the words that are shown for it. The graph's `metadata` says in `scan`,
`transcoder_list` or `info.transcoder_set` which transcoders it was made with.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from unembed.errors import FormatError
from unembed.outside import limits
from unembed.outside.documents import parse_json
from unembed.outside.fields import Fields, is_whole, told
from unembed.outside.files import read_bytes
from unembed.outside.json_spans import Member, Span, first, items, members
from unembed.questions.circuits.pairing import readings, unpair

OF_FEATURES = ("cross layer transcoder", "unexplored node")
"""What `feature_type` says of a feature, of whichever transcoder."""
_ID = re.compile(r"(\d{1,9})_(\d{1,9})_\d{1,9}")
_LAYER = re.compile(r"\d{1,9}")


@dataclass(frozen=True)
class Node:
    """A node of a graph.

    Attributes:
        name: its `node_id`.
        is_feature: whether it is of a transcoder's feature.
        layer: that the feature reads; None where the node does not say, or is of none.
        index: of the feature in its transcoder; None where that cannot be told, too: the id and the
            number contradict each other, or the number alone may be read in several ways.
        clerp: the words that are there.
        members: where its fields stand in the text.
    """

    name: str
    is_feature: bool
    layer: int | None
    index: int | None
    clerp: str
    members: tuple[Member, ...]


@dataclass(frozen=True)
class CircuitGraph:
    """A graph: its text, and what of it tells which features its nodes are.

    Attributes:
        text: as it is in the file, without a byte-order mark.
        mark: the byte-order mark, which mostly is none.
        content: the same, parsed.
        where: the file, as errors name it.
    """

    text: str
    mark: bytes
    content: Fields
    where: str

    @cached_property
    def nodes(self) -> list[Node]:
        """Its nodes, in the order of the file.

        Raises:
            FormatError: when one is no table, or a field of it is not what it should be.
        """
        tables = self.content.items("nodes") or []
        return [
            self._node(Fields(table, f"{self.where}, nodes[{at}]"), span)
            for at, (table, span) in enumerate(zip(tables, self._spans(), strict=True))
        ]

    @property
    def escapes(self) -> bool:
        """Whether its text spells what is beyond ASCII in escapes, as JSON may."""
        return self.text.isascii() and "\\u" in self.text

    @property
    def schema_version(self) -> int:
        """How features are numbered: from 1 on by pairing; 0 where the graph does not say."""
        return self._metadata.whole("schema_version", 1_000) or 0

    @property
    def made_with(self) -> list[str]:
        """What the graph says of its transcoders: the set, the scan, the id of each layer."""
        info = self._metadata.table("info").text("transcoder_set")
        names = [info, self._metadata.text("scan"), *self.transcoders]
        return [name for name in dict.fromkeys(names) if name]

    @property
    def transcoders(self) -> list[str]:
        """The id of each layer's transcoder, where they were named one by one."""
        return self._metadata.texts("transcoder_list") or []

    @property
    def _metadata(self) -> Fields:
        return self.content.table("metadata")

    def _spans(self) -> Iterator[Span]:
        """Yield where the nodes stand: in the last list of that name, which readers take."""
        named = [each for each in members(self.text, first(self.text)) if each.name == "nodes"]
        return items(self.text, named[-1].value.start)

    def _node(self, node: Fields, span: Span) -> Node:
        kind, name = node.text("feature_type"), node.text("node_id") or ""
        is_feature = kind in OF_FEATURES
        layer, index = self._feature(node, name) if is_feature else (None, None)
        clerp = node.content.get("clerp")
        if clerp is not None and not isinstance(clerp, str):
            raise node.wrong("clerp", "a text")
        where = tuple(members(self.text, span.start)) if is_feature else ()
        return Node(name, is_feature, layer, index, clerp or "", where)

    def _feature(self, node: Fields, name: str) -> tuple[int | None, int | None]:
        """Return the layer and the index of a node's feature, or None for what cannot be told."""
        layer, number = _layer_of(node), node.content.get("feature")
        if layer is None or not is_whole(number, limits.FEATURES**2):
            return layer, None
        assert isinstance(number, int)
        named = _ID.fullmatch(name)
        if named:
            same = int(named[1]) == layer and int(named[2]) in readings(number, layer)
            return layer, int(named[2]) if same else None
        own, index = unpair(number)
        return layer, index if self.schema_version and own == layer else None


def read_graph(path: Path) -> CircuitGraph:
    """Return the graph of a file.

    Raises:
        FormatError: when it cannot be read, or is no such graph.
    """
    raw = read_bytes(path, limits.JSON_BYTES)
    content = parse_json(raw, str(path))
    if not isinstance(content, dict) or not isinstance(content.get("nodes"), list):
        raise FormatError(
            f"{path} is no attribution graph: it should be a table with a list of 'nodes', but is "
            f"{told(content)}. circuit-tracer writes such files (SLUG.json, not "
            "graph-metadata.json, nor a graph in .pt), and Neuronpedia gives them for download."
        )
    mark = codecs.BOM_UTF8 if raw.startswith(codecs.BOM_UTF8) else b""
    try:
        text = raw[len(mark) :].decode()
    except UnicodeDecodeError as error:
        raise FormatError(
            f"{path} is not in UTF-8, as graphs are. Save it so, and give it again."
        ) from error
    return CircuitGraph(text, mark, Fields(content, str(path)), str(path))


def _layer_of(node: Fields) -> int | None:
    """Return a node's layer, which is a text of digits in most graphs and a number in some."""
    said: Any = node.content.get("layer")
    if isinstance(said, str) and _LAYER.fullmatch(said):
        said = int(said)
    return said if is_whole(said, limits.LAYERS) else None

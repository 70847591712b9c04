"""Labels for the nodes of an attribution graph: its text with other `clerp`s, and no other change.

The graph is not written anew from what was parsed: the words of nodes are put into its text, so
that spaces, the spelling of numbers and the order of fields stay what they are, byte for byte.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from unembed.errors import QueryError, listed
from unembed.output_file import check_free, output_file
from unembed.outside.json_spans import Span, replaced
from unembed.questions.banks import require_classes
from unembed.questions.circuits.graph import CircuitGraph, Node, read_graph
from unembed.questions.circuits.placing import Placing, place_banks
from unembed.questions.circuits.rows import FeatureRows, said
from unembed.store.tables import RunTables


@dataclass(frozen=True)
class Annotation:
    """What became of a graph's nodes.

    Attributes:
        nodes: of features; a feature has one for each position where it is active.
        labelled: that say now what the run says.
        naming: of these, whose label names token sets.
        replaced: of these, that said something else before.
        kept: that said something, and were to keep it.
        absent: whose feature the run does not have, in a layer that it has.
        other_layers: of layers that the run has no transcoder of.
        unclear: the ids of those that contradict themselves, so that it is not known which feature
            they are of; none of them was touched.
        banks: of the run, by layer.
        lens: that they are read through.
        made_with: what the graph says of its transcoders.
        sources: where the run's came from.
    """

    nodes: int
    labelled: int
    naming: int
    replaced: int
    kept: int
    absent: int
    other_layers: int
    unclear: list[str]
    banks: dict[int, list[str]]
    lens: str
    made_with: list[str]
    sources: list[str]

    def facts(self) -> dict[str, Any]:
        """Return the same as a table, for JSON."""
        return asdict(self)


def annotated(
    graph: CircuitGraph, run: RunTables, placing: Placing, *, keep: bool = False
) -> tuple[bytes, Annotation]:
    """Return a graph with the run's labels in it, and what became of its nodes.

    Args:
        graph: as it was read.
        run: a finished run whose features have labels.
        placing: which of its banks are of which layer.
        keep: leave what nodes say already.

    Raises:
        FormatError: when a node is not what it should be.
        QueryError: when the run has no labels, or none of the graph's features.
    """
    require_classes(run)
    rows = FeatureRows(run, placing)
    counts, unclear, edits = Counter[str](), [], []
    for node in graph.nodes:
        if not node.is_feature:
            continue
        counts["nodes"] += 1
        if node.layer is None or node.index is None:
            unclear.append(node.name)
        elif node.layer not in placing.banks:
            counts["other_layers"] += 1
        elif not (writings := rows.writings(node.layer, node.index)):
            counts["absent"] += 1
        elif keep and node.clerp:
            counts["kept"] += 1
        else:
            label = said(writings)
            counts["labelled"] += 1
            counts["naming"] += any(each.names for each in writings)
            counts["replaced"] += bool(node.clerp) and node.clerp != label
            edits += _edits(graph, node, label)
    names = ("nodes", "labelled", "naming", "replaced", "kept", "absent", "other_layers")
    found = Annotation(
        **{name: counts[name] for name in names}, unclear=unclear, banks=placing.names,
        lens=placing.lens, made_with=graph.made_with, sources=placing.sources,
    )  # fmt: skip
    _check(found, graph)
    return graph.mark + replaced(graph.text, edits).encode(), found


def annotate(
    graph: str | Path,
    run: RunTables,
    out: str | Path,
    *,
    bank: list[str] | tuple[str, ...] = (),
    lens: str | None = None,
    keep: bool = False,
    overwrite: bool = False,
) -> Annotation:
    """Write a graph with the run's labels as the `clerp` of its nodes, and return what was done.

    All else stays byte for byte.

    Args:
        graph: a JSON file of circuit-tracer, or of Neuronpedia.
        run: a finished run.
        out: the file to write; the graph's own, with overwrite.
        bank: banks to take in place of those known to be transcoders: `BANK`, or `LAYER=BANK`.
        lens: that banks are read through; the run's first, if None.
        keep: leave what nodes say already.
        overwrite: replace a file that is there.

    Raises:
        FormatError: when the graph cannot be read.
        QueryError: when the run has none of the graph's features, or no labels.
        UnembedError: when the file is there already, or the disk refuses.
    """
    path = Path(out)
    check_free(path, overwrite=overwrite)
    read = read_graph(Path(graph))
    placing = place_banks(run, chosen=bank, lens=lens, transcoders=read.transcoders)
    content, found = annotated(read, run, placing, keep=keep)
    with output_file(path) as part:
        part.write_bytes(content)
    return found


def _edits(graph: CircuitGraph, node: Node, label: str) -> list[tuple[Span, str]]:
    """Return what is to stand where so that a node says a label.

    A node without `clerp` gets one behind its last field, set out as that one is.
    """
    spelt = json.dumps(label, ensure_ascii=graph.escapes)
    there = [member for member in node.members if member.name == "clerp"]
    if there:
        return [(member.value, spelt) for member in there]
    last = node.members[-1]
    before = node.members[-2].value.stop if len(node.members) > 1 else None
    gap = "," if before is None else graph.text[before : last.key.start]
    colon = graph.text[last.key.stop : last.value.start]
    return [(Span(last.value.stop, last.value.stop), f'{gap}"clerp"{colon}{spelt}')]


def _check(found: Annotation, graph: CircuitGraph) -> None:
    """Check that the graph is of features that the run has.

    Raises:
        QueryError: when not one of its nodes is.
    """
    if not found.nodes:
        raise QueryError(f"{graph.where} has no node of a feature, so there is nothing to label.")
    if found.labelled or found.kept:
        return
    layers = sorted({node.layer for node in graph.nodes if node.layer is not None})
    raise QueryError(
        f"None of the {found.nodes:,} nodes of features in {graph.where} is in the run: "
        f"{found.absent:,} have an index that it does not have, {found.other_layers:,} are of "
        f"other layers, {len(found.unclear):,} contradict themselves. The graph has the layers "
        f"{listed(map(str, layers), most=8)} and was made with {listed(found.made_with)}; the run "
        f"has the layers {listed(map(str, found.banks), most=8)}. Make a run of the transcoders of "
        "the graph, or say which banks they are: --bank LAYER=BANK."
    )

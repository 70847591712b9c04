"""Files of features as circuit-tracer's page reads them, one a feature or one a layer.

What a file holds is `circuit_tracer.frontend.feature_models.Model` (0.5.0). A run knows no text,
and so nothing of activations: there are no examples; and the fields about activations are left out
unless asked for, since the page takes empty ones for findings ("0pct", "Freq: 0.000%"), and says
nothing where there are none.
"""

from __future__ import annotations

import gzip
import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from unembed.disk import told
from unembed.errors import QueryError, UnembedError
from unembed.progress import Progress, silent
from unembed.questions.circuits.graph import CircuitGraph
from unembed.questions.circuits.pairing import pair
from unembed.questions.circuits.placing import Placing
from unembed.questions.circuits.rows import FeatureRows, Writing, said
from unembed.store.tables import RunTables
from unembed.strict_json import dumps

INDEX = "index.json.gz"
_TOGETHER = 512
"""Features whose tokens are read at once."""
_ENDS = {"top": "top_logits", "bottom": "bottom_logits"}
_SEEN = str.maketrans({"\n": "⏎", "\t": "→", "\r": "↵"})
"""Spaces that a page does not show, as circuit-tracer writes them (`frontend.utils`)."""
PLACEHOLDERS: Mapping[str, Any] = {
    "act_min": 0.0, "act_max": 0.0, "quantile_values": [], "histogram": [],
    "activation_frequency": 0.0,
}  # fmt: skip
"""The fields about activations, of which a run knows nothing."""
_WHENCE = "by unembed, from weights alone: no activations"


def feature_files(
    run: RunTables,
    placing: Placing,
    *,
    only: Mapping[int, Sequence[int]] | None = None,
    tokens: int = 10,
    placeholders: bool = False,
) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """Yield the layer, the index and the content of the file of each feature.

    `transcoder_id`, the bank; `index`; `top_logits` and `bottom_logits`, the outermost tokens, of a
    cross-layer transcoder as written to the layer where they move most; `examples_quantiles`, one
    without examples, whose name says what the run says of the feature.

    Args:
        run: a finished run.
        placing: which of its banks are of which layer.
        only: the indices of the features that are wanted, by layer; all, if None.
        tokens: of either end; as many as the run keeps at most.
        placeholders: whether to write the fields about activations, too, empty.
    """
    rows = FeatureRows(run, placing)
    for layer in placing.banks:
        wanted = rows.indices(layer) if only is None else sorted(only.get(layer, ()))
        found = [(index, rows.writings(layer, index)) for index in wanted]
        there = [(index, writings) for index, writings in found if writings]
        for start in range(0, len(there), _TOGETHER):
            for index, content in _contents(run, there[start : start + _TOGETHER], tokens):
                yield layer, index, {**content, **(PLACEHOLDERS if placeholders else {})}


def features_of(graph: CircuitGraph) -> dict[int, list[int]]:
    """Return the indices of a graph's features, by layer, each once."""
    found: dict[int, set[int]] = {}
    for node in graph.nodes:
        if node.layer is not None and node.index is not None:
            found.setdefault(node.layer, set()).add(node.index)
    return {layer: sorted(found[layer]) for layer in sorted(found)}


def write_feature_files(
    run: RunTables,
    out: str | Path,
    placing: Placing,
    *,
    packed: bool = False,
    progress: Progress = silent,
    **what: Any,
) -> int:
    """Write the files of a run's features into a new folder, and return of how many.

    Args:
        run: a finished run.
        out: a folder that is not there, or is empty; it is there whole or not at all.
        placing: which of its banks are of which layer.
        packed: one file a layer with an index, as repositories of transcoders have them, in place
            of one file a feature.
        progress: told how many features are written.
        what: `only`, `tokens` and `placeholders` of `feature_files`.

    Raises:
        QueryError: when the run has none of the features that are wanted.
        UnembedError: when something is in the folder, or the disk refuses.
    """
    folder = Path(out)
    with told(folder, "cannot be written", UnembedError):
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise UnembedError(f"{folder} is there already. Choose another name, or delete it.")
        folder = folder.resolve()
        part = folder.parent / f".{uuid.uuid4().hex}"
        part.mkdir(parents=True)
        try:
            found = _counted(
                feature_files(run, placing, **what), _total(run, placing, what), progress
            )
            written = (_write_packed if packed else _write_apart)(part, found)
            if not written:
                raise QueryError("The run has none of the features that are wanted.")
            if folder.exists():
                folder.rmdir()
            part.rename(folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    return written


def _contents(
    run: RunTables, features: Sequence[tuple[int, list[Writing]]], tokens: int
) -> Iterator[tuple[int, dict[str, Any]]]:
    chosen = [writings[0] for _, writings in features]  # what moves logits most
    ends = run.outermost([each.row for each in chosen], tokens)
    texts = {end: run.token_texts(ends[f"{end}_ids"]).to_list() for end in _ENDS}
    for at, (index, writings) in enumerate(features):
        bank, _ = run.place_of(chosen[at].row)
        yield (
            index,
            {
                "transcoder_id": bank,
                "index": index,
                "examples_quantiles": [
                    {"quantile_name": _title(writings, chosen[at]), "examples": []}
                ],
                **{
                    name: [text.translate(_SEEN) for text in texts[end][at] or ()]
                    for end, name in _ENDS.items()
                },
            },
        )


def _title(writings: Sequence[Writing], chosen: Writing) -> str:
    """Return what stands on the page below a feature's tokens."""
    label = said(writings)
    tokens = f"; tokens as written {chosen.to}" if chosen.to else ""
    return f"{label} ({_WHENCE}{tokens})".strip()


def _write_apart(folder: Path, found: Iterator[tuple[int, int, dict[str, Any]]]) -> int:
    """Write one file a feature, named by its number."""
    count = 0
    for layer, index, content in found:
        (folder / f"{pair(layer, index)}.json").write_text(dumps(content), encoding="utf-8")
        count += 1
    return count


def _write_packed(folder: Path, found: Iterator[tuple[int, int, dict[str, Any]]]) -> int:
    """Write one file a layer, and where in it each feature begins.

    A feature is four bytes, the length of what follows (lowest byte first), and its JSON in gzip.
    The index has for each layer `filename` and `offsets`, by the feature's index and one more: what
    is not there has no bytes.
    """
    index: dict[str, dict[str, Any]] = {}
    count, file = 0, None
    try:
        for layer, number, content in found:
            name = f"layer_{layer}.bin"
            if str(layer) not in index:
                if file is not None:
                    file.close()
                file = (folder / name).open("wb")
                index[str(layer)] = {"filename": name, "offsets": [0]}
            assert file is not None
            _append(file, index[str(layer)]["offsets"], number, content)
            count += 1
    finally:
        if file is not None:
            file.close()
    (folder / INDEX).write_bytes(gzip.compress(dumps(index).encode(), mtime=0))
    return count


def _append(file: BinaryIO, offsets: list[int], number: int, content: Mapping[str, Any]) -> None:
    body = gzip.compress(dumps(content).encode(), mtime=0)
    offsets += [offsets[-1]] * (number + 1 - len(offsets))
    file.write(len(body).to_bytes(4, "little") + body)
    offsets.append(offsets[-1] + 4 + len(body))


def _total(run: RunTables, placing: Placing, what: Mapping[str, Any]) -> int:
    only = what.get("only")
    if only is not None:
        return sum(len(indices) for layer, indices in only.items() if layer in placing.banks)
    return sum(max(bank.features for bank in banks) for banks in placing.banks.values())


def _counted(
    found: Iterator[tuple[int, int, dict[str, Any]]], total: int, progress: Progress
) -> Iterator[tuple[int, int, dict[str, Any]]]:
    for done, each in enumerate(found, 1):
        yield each
        progress("Writing feature files", done, total)

"""Documents are parsed in one place, and every reader of them is tried with bad ones."""

from __future__ import annotations

import re
from pathlib import Path

import unembed

SOURCE = Path(unembed.__file__).parent
FILES = {
    path.relative_to(SOURCE).as_posix(): path.read_text(encoding="utf-8")
    for path in sorted(SOURCE.rglob("*.py"))
}

PARSERS = re.compile(
    r"\bjson\.loads?\(|JSONDecoder|\byaml\.\w*(?:load|parse|compose)|\btomllib\.loads?\("
    r"|\blzma\.(?:open|decompress|LZMADecompressor|LZMAFile)\b"
)
PARSED = {
    "outside/documents.py": "the gate",
    "outside/json_spans.py": "the gate",
    "outside/regex.py": "what a process of ours answers",
    "outside/yaml_tree.py": "the gate",
    "load/published/table.py": "the packed table, bounded as it is unpacked",
    "store/manifest.py": "manifests, and JSON of our own making",
}
READERS = re.compile(
    r"\b(?:read_json|parse_json|read_yaml|parse_yaml|read_config)\(|seen\.config\("
)
TRIED = {
    "load/formats/circuit_tracer.py", "load/formats/dictionary_learning.py",
    "load/formats/format.py", "load/formats/gemma_scope_2.py", "load/formats/matrix.py",
    "load/formats/openmoss.py", "load/formats/reading.py", "load/formats/saelens.py",
    "load/formats/sparsify.py", "load/formats/torch_files.py", "load/hub/listing.py",
    "load/models/checkpoint.py", "load/models/config.py", "load/models/short_names.py",
    "load/published/table.py",
}  # fmt: skip
"""Readers that `tests/load/test_bad_documents.py` gives bad documents."""
ELSEWHERE = (
    "outside/", "load/vocabularies/", "load/tensors/", "load/lenses/", "tokensets/", "sealed.py",
    "explorer/site.py", "fitting/prompts.py", "questions/circuits/", "load/neuronpedia/",
    "store/published.py",
)  # fmt: skip
"""Those that have tests of their own."""


def test_documents_are_parsed_in_one_place() -> None:
    assert {path for path, text in FILES.items() if PARSERS.search(text)} == set(PARSED)


def test_every_reader_is_tried() -> None:
    found = {path for path, text in FILES.items() if READERS.search(text)}
    assert {path for path in found if not path.startswith(ELSEWHERE)} == TRIED

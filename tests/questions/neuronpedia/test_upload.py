"""Exports: tokens as they are spelt there, and bodies within the site's limits."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.load.neuronpedia.bucket import activation, feature, packed
from tests.planted import Planted
from tests.questions.neuronpedia.explained import COUNT, explained_run
from unembed import Run, fetch_neuronpedia, neuronpedia
from unembed.errors import QueryError
from unembed.load.vocabularies.pieces import byte_level, sentencepiece
from unembed.questions.neuronpedia import upload as module
from unembed.questions.neuronpedia.spelling import spelt

BYTES = [b" the", "ケ".encode(), b"\n", b"\t", "“".encode(), b"\xe3\x82", b"a b", b"<"]


@pytest.fixture(scope="module")
def explained(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    return explained_run(tmp_path_factory.mktemp("explained") / "run")


def made(run: Run, **how: Any) -> neuronpedia.Upload:
    sources = neuronpedia.sources_of(run)
    return neuronpedia.uploads(run, neuronpedia.on_site(run, [], sources), sources, **how)


def test_byte_level_tokens_are_spelt_by_their_symbols() -> None:
    found = spelt(BYTES, "tokenizer.json, byte-level BPE")
    assert found == [" the", "ãĤ±", "\n", "\t", "“", "ãĤ", "a b", "<"]
    # read back by the tokenizers' own alphabet, where nothing was turned back into text
    assert byte_level("ãĤ±") == "ケ".encode()


def test_sentencepiece_tokens_keep_theirs() -> None:
    kind = "tokenizer.model, SentencePiece"
    found = spelt(BYTES, kind)
    assert found[:4] == ["▁the", "ケ", "<0x0A>", "<0x09>"]
    assert [sentencepiece(piece) for piece in found[:4]] == BYTES[:4]
    assert spelt([b" ing"], "vocab.txt, WordPiece") == [" ing"]


def test_gguf_says_its_tokenizer_by_its_model() -> None:
    assert spelt([b" a"], "GGUF, gpt2") == [" a"]
    assert spelt([b" a"], "GGUF, llama") == ["▁a"]
    assert spelt(["ケ".encode()], "GGUF, gpt2") == ["ãĤ±"]


def test_real_vocabularies_are_spelt_as_their_files_have_them() -> None:
    """Every token of the demo's tokenizer: what stands in its file, but for ten turned back."""
    from unembed import load_vocabulary
    from unembed.demo import MODEL

    vocabulary = load_vocabulary(MODEL)
    pieces = json.loads((Path(MODEL) / "tokenizer.json").read_text("utf-8"))["model"]["vocab"]
    found = spelt(vocabulary.token_bytes, vocabulary.kind)
    turned = {"âĢĶ": "—", "âĢĵ": "–", "âĢľ": "“", "âĢĿ": "”", "âĢĺ": "‘", "âĢĻ": "’",
              "âĢĭ": " ", "Ġ": " ", "Ċ": "\n", "ĉ": "\t"}  # fmt: skip
    different = []
    for piece, token in pieces.items():
        expected = piece
        for spelling, text in turned.items():
            expected = expected.replace(spelling, text)
        if found[token] != expected and not vocabulary.special[token]:
            different.append((piece, found[token]))
    assert different == []


def test_what_neuronpedia_asks_for_first(explained: Planted) -> None:
    with pytest.raises(QueryError, match=r"no feature without a text.*fetch.*leave out --upload"):
        made(explained.run)
    with pytest.raises(QueryError, match="at most 20 tokens of either end by upload, not 21"):
        made(explained.run, tokens=21)


def test_bodies_keep_to_the_limits(
    explained: Planted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = explained.run
    texts = [activation(index, ["a", " b"], [0.5, 2.0]) for index in range(50)]
    (tmp_path / "a.jsonl").write_bytes(packed([feature(7), *texts]))
    fetch_neuronpedia(run, files=[tmp_path / "a.jsonl"])
    monkeypatch.setattr(module, "MOST_FEATURES", 16)
    monkeypatch.setattr(module, "LONGEST_EXPLANATION", 20)
    found = made(run, tokens=3)
    assert [len(body["features"]) for body in found.bodies] == [16, 16, 16, 2]
    assert (found.features, found.without_text) == (50, COUNT - 50)
    assert {(body["modelId"], body["source"]) for body in found.bodies} == {("tiny", "3-a")}
    first = found.bodies[0]["features"][7]
    assert set(first) == {
        "index", "density", "activations", "explanations", "topLogits", "bottomLogits"
    }  # fmt: skip
    assert (first["index"], first["density"]) == (7, 0.007)
    assert first["activations"] == [{"tokens": ["a", " b"], "values": [0.5, 2.0]}]
    row = run.feature("a/7")
    assert [each["token"] for each in first["topLogits"]] == row["top_tokens"][:3]
    assert [each["value"] for each in first["bottomLogits"]] == row["bottom_weights"][:3]
    said = [each["text"] for body in found.bodies for of in body["features"]
            for each in of["explanations"]]  # fmt: skip
    assert max(map(len, said)) == 20
    assert found.shortened == sum(text.endswith("…") for text in said) > 0


def test_what_is_exported_is_read_again(explained: Planted, tmp_path: Path) -> None:
    """Our own file in its field names is an export that we can fetch from."""
    run = explained.run
    sources = neuronpedia.sources_of(run)
    written = neuronpedia.exported(run, neuronpedia.on_site(run, ["a/0", "a/1"], sources), sources)
    file = tmp_path / "ours.jsonl.gz"
    file.write_bytes(gzip.compress("".join(f"{json.dumps(each)}\n" for each in written).encode()))
    fetch_neuronpedia(run, ["a/0", "a/1"], files=[file])
    facts = neuronpedia.beside_of(run, "a/0")
    assert facts is not None
    assert facts["explanations"][0]["text"] == " ".join(run.feature("a/0")["label"].split())
    assert facts["agreement"] == "agree"  # with itself
    assert run.features.filter(pl.col("index") == 0)["bank"].to_list() == ["a", "b"]

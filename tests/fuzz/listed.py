"""Inputs that once ended in a traceback, hung, took all memory, or gave wrong numbers, by kind.

Each is what a reader is given in place of one file of a seed. `scripts.fuzz --listed` prints what
becomes of them.
"""

from __future__ import annotations

import base64
import gzip
import io
import json
import struct
from collections.abc import Iterator
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
import torch
from safetensors.torch import save

from tests.fuzz.mutations import Raw, bomb, written
from tests.fuzz.seeds import ARRAY, golden_files, seeds_of, tiny_run_files
from tests.fuzz.worker import Outcome, Worker


class Listed(NamedTuple):
    """One input.

    Attributes:
        kind: what is odd.
        what: in which place.
        reader: that reads it.
        seed: whose other files stay.
        files: in place of the seed's.
        outcome: `value` or `error`; either, if None.
    """

    kind: str
    what: str
    reader: str
    seed: str
    files: dict[str, bytes]
    outcome: str | None = "error"

    def is_wrong(self, found: Outcome) -> bool:
        """Whether something else became of it."""
        return found.is_fault or self.outcome not in (None, found.kind)


def listed() -> Iterator[Listed]:
    """Yield every input."""
    for make in (_nesting, _types, _counts, _matching, _texts, _numbers, _shapes):
        yield from make()


def tried(worker: Worker, seconds: float) -> Iterator[tuple[Listed, Outcome]]:
    """Yield every input with what becomes of it, reader after reader.

    Args:
        worker: tries them.
        seconds: that each may take.
    """
    by_reader = sorted(listed(), key=lambda case: case.reader)
    for reader, cases in groupby(by_reader, lambda case: case.reader):
        worker.begin(reader, seeds_of(reader), seconds)
        for case in cases:
            yield case, worker.tried(case.seed, case.files)


def _nest(opening: str, closing: str, depth: int = 100_000) -> bytes:
    return (opening * depth + closing * depth).encode()


def _changed(content: bytes, **values: Any) -> bytes:
    """Return a JSON document with other values; a dot is a way down."""
    document = json.loads(content)
    for way, value in values.items():
        *above, last = way.split("__")
        holder = document
        for key in above:
            holder = holder[int(key) if key.isdigit() else key]
        holder[last] = value
    return written(document)


def _nesting() -> Iterator[Listed]:
    kind = "nested deep"
    deep = _nest("[", "]")
    yield Listed(kind, "config.json", "models", "gpt2-small", {"config.json": deep})
    yield Listed(
        kind, "an index of shards", "models", "sharded", {"model.safetensors.index.json": deep}
    )
    yield Listed(kind, "tokenizer.json", "vocabularies", "byte-level", {"tokenizer.json": deep})
    yield Listed(kind, "tekken.json", "vocabularies", "tekken", {"tekken.json": deep})
    yield Listed(kind, "an SAE's cfg.json", "dictionaries", "sae_lens", _config(deep))
    yield Listed(kind, "a manifest", "manifests", "new, opened", {"manifest.json": deep})
    header = len(deep).to_bytes(8, "little") + deep
    yield Listed(kind, "a safetensors header", "matrices", "safetensors", {"m.safetensors": header})
    sets = {"yaml": deep, "toml": b"a = " + deep}
    for ending, content in sets.items():
        yield Listed(kind, f"sets in {ending}", "token_sets", ending, {f"mine.{ending}": content})
    dotted = ".".join("a" * 50_000).encode() + b" = 1"
    yield Listed("50,000 dotted keys", "TOML", "token_sets", "toml", {"mine.toml": dotted})
    laughs = "a0: &a0 [x, x]\n" + "".join(
        f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 30)
    )
    for what, text in {
        "a billion laughs": laughs + "sets: {x: *a29}\n",
        "an alias that holds itself": "sets: &a {x: *a}\n",
    }.items():
        yield Listed(what, "YAML", "token_sets", "yaml", {"mine.yaml": text.encode()})
    unions = "sets:\n  s0: word1\n" + "".join(
        f"  s{i}: {{union: [s{i - 1}, s{i - 1}]}}\n" for i in range(1, 3000)
    )
    yield Listed("3,000 unions", "YAML", "token_sets", "yaml", {"mine.yaml": unions.encode()}, None)


def _config(content: bytes) -> dict[str, bytes]:
    seed = seeds_of("dictionaries")["sae_lens"]
    (path,) = (each for each in seed.paths if each.endswith("cfg.json"))
    return {path: content}


def _types() -> Iterator[Listed]:
    kind = "of another type"
    config = seeds_of("models")["gpt2-small"].files["config.json"]
    for value in ("two", None, [2], Raw("NaN"), Raw("1e400"), -1, 10**25):
        files = {"config.json": _changed(config, n_layer=value)}
        yield Listed(kind, f"n_layer: {value!r:.20}", "models", "gpt2-small", files)
    tied = {"config.json": _changed(config, tie_word_embeddings="false")}
    yield Listed(kind, 'tie_word_embeddings: "false"', "models", "gpt2-small", tied)
    index = "model.safetensors.index.json"
    for value in (5, ["a"], {"wte.weight": 5}, {"wte.weight": ["a"]}):
        files = {index: json.dumps({"weight_map": value}).encode()}
        yield Listed(kind, f"weight_map: {value}", "models", "sharded", files)
    (sae,) = _config(b"")
    cfg = seeds_of("dictionaries")["sae_lens"].files[sae]
    for key, value in {"neuronpedia_id": 5, "hook_name": 5, "hook_layer": 10**25}.items():
        document = json.loads(cfg)
        holder = document.get("metadata", document)
        holder[key] = value
        files = _config(json.dumps(document).encode())
        yield Listed(kind, f"{key}: {value}", "dictionaries", "sae_lens", files)
    for seed, made in {"new": tiny_run_files(), "golden": golden_files()}.items():
        for key, value in {"banks": 5, "enrichment": [], "unembedding": "x", "settings": 5}.items():
            files = {"manifest.json": _changed(made["manifest.json"], **{key: value})}
            what = f"{key}: {value} in a manifest ({seed})"
            yield Listed(kind, what, "manifests", f"{seed}, opened", files)
    old = json.loads(golden_files()["manifest.json"])
    old["banks"][0]["name"] = "../../outside/x"
    files = {"manifest.json": json.dumps(old).encode()}
    yield Listed("a way out", "a bank's name", "manifests", "golden, opened", files)


def _counts() -> Iterator[Listed]:
    kind = "a huge count"
    for text in (
        "mlp:0-99999999999", "mlp:{1-100000000}", "saes/m{1-100000000}.npy",
        "saes/{0-9999}{0-9999}{0-9999}.npy", "name=saes/m{0-99999}{0-99999}.npy",
    ):  # fmt: skip
        yield Listed(kind, text, "references", "mlp:0", {"text": text.encode()})
    added = {
        "tokenizer_config.json": json.dumps(
            {"added_tokens_decoder": {"300000000": {"content": "<|more|>", "special": True}}}
        ).encode()
    }
    yield Listed(kind, "an added token of id 3·10⁸", "vocabularies", "added", added)
    tokenizer = json.loads(seeds_of("vocabularies")["byte-level"].files["tokenizer.json"])
    tokenizer["model"]["vocab"]["a"] = 300_000_000
    files = {"tokenizer.json": json.dumps(tokenizer).encode()}
    yield Listed(kind, "an id of 3·10⁸", "vocabularies", "byte-level", files)
    ranks = base64.b64encode(b"a") + b" 300000000\n"
    yield Listed(kind, "a rank of 3·10⁸", "vocabularies", "tiktoken", {"a.tiktoken": ranks})
    ids = b"a\tids\t300000000\t1\n"
    yield Listed(kind, "an id of 3·10⁸ in GMT", "token_sets", "gmt", {"mine.gmt": ids}, None)
    files = {"a.tiktoken.gz": gzip.decompress(bomb()) * 8}
    yield Listed("2 GB in 2 MB", "a.tiktoken.gz", "vocabularies", "tiktoken.gz", files)
    gguf = bytearray(seeds_of("ggufs")["tied"].files["m.gguf"])
    for at, what in {8: "tensors", 16: "values"}.items():
        lying = bytearray(gguf)
        lying[at : at + 8] = struct.pack("<Q", 1 << 62)
        yield Listed(kind, f"2⁶² {what} of a GGUF", "ggufs", "tied", {"m.gguf": bytes(lying)})


def _matching() -> Iterator[Listed]:
    kind = "a regex without end"
    for pattern in ("(a+)+$", "(.*)*x", "(a|a)*b", "(?:a?){60}a{60}"):
        text = f"sets:\n  x: {{regex: '{pattern}'}}\n".encode()
        yield Listed(kind, pattern, "token_sets", "yaml", {"mine.yaml": text}, None)
    long = b"x" * 1_000_000
    named = {"m.safetensors": save({long.decode(): torch.ones(2, 2)})}
    yield Listed("1 MB", "a tensor's name", "matrices", "safetensors", named)
    ranks = base64.b64encode(long) + b" 0\n"
    yield Listed("1 MB", "a token", "vocabularies", "tiktoken", {"a.tiktoken": ranks}, None)
    words = b"sets:\n  x: " + long + b"\n"
    yield Listed("1 MB", "a word of a set", "token_sets", "yaml", {"mine.yaml": words}, None)


def _texts() -> Iterator[Listed]:
    kind = "odd text"
    for what, name in {
        "an escape code": '"\\e]0;owned\\a"', "half a character": '"\\ud800"',
        "a line's end": '"a\\nb"', "300 characters": "x" * 300, "a way out": "../../x",
    }.items():  # fmt: skip
        files = {"mine.yaml": f"sets:\n  {name}: word1\n".encode()}
        outcome = "value" if "\\" not in name else "error"  # no file has a set's name
        yield Listed(kind, f"a set's name: {what}", "token_sets", "yaml", files, outcome)
    vocab = {"vocab.json": b'{"\\ud800": 0, "b": 1}'}
    yield Listed(kind, "half a character as a token", "vocabularies", "gpt2", vocab, None)
    gguf = seeds_of("ggufs")["llama"].files["m.gguf"]
    files = {"m.gguf": gguf.replace("▁the".encode(), b"\xff\xfe\xfd\xfc\xfb\xfa")}
    yield Listed(kind, "a token that is no UTF-8", "ggufs", "llama", files)
    config = seeds_of("models")["gpt2-small"].files["config.json"]
    marked = {"config.json": b"\xef\xbb\xbf" + config}
    yield Listed(kind, "a byte-order mark", "models", "gpt2-small", marked, "value")
    for text in (
        "x" * 5000,
        "a/" * 400,
        "~nobody/x",
        "saes/\x1b[31m",
        "/dev/zero",
        "/proc/self/mem",
    ):
        what = text if len(text) < 20 else f"{text[:3]} … ({len(text):,} characters)"
        yield Listed(kind, f"features {what!r}", "references", "mlp:0", {"text": text.encode()})


def _numbers() -> Iterator[Listed]:
    kind = "numbers"
    rows = torch.arange(40, dtype=torch.float32).reshape(5, 8).sin() + 2

    def npy(array: np.ndarray, what: str, outcome: str | None = "error") -> Listed:
        made = io.BytesIO()
        np.save(made, array)
        return Listed(kind, what, "matrices", "npy", {"m.npy": made.getvalue()}, outcome)

    wide = rows.double().numpy()
    yield npy(wide.astype(np.int32), "int32", None)
    yield npy(wide.astype(np.uint64), "uint64", None)
    yield npy(wide.astype(np.complex64), "complex")
    yield npy(wide.astype(bool), "true and false")
    yield npy(wide * 1e-300, "float64 × 1e-300", None)
    yield npy(rows.numpy() * np.float32(1e38), "float32 near 3e38", None)
    yield npy(wide * 1e300, "float64 × 1e300", None)
    yield npy(wide.astype(">f4"), "big-endian", "value")
    yield npy(np.asfortranarray(wide), "column by column", "value")
    yield npy(np.full((5, 8), np.nan, np.float32), "no numbers")
    yield npy(np.empty((0, 8), np.float32), "no rows")
    yield npy(np.full((5, 8), "x", object), "objects")
    files = {"m.safetensors": save({"W_dec": rows.int()})}
    yield Listed(kind, "int32 in safetensors", "matrices", "safetensors", files, None)
    more: dict[str, tuple[dict[str, Any], str | None]] = {
        "masked": ({"layout": "masked"}, None),
        "sparse": ({"kind": "torch", "layout": "sparse"}, None),
        "of no memory (meta)": ({"kind": "torch", "layout": "meta"}, "error"),
        "negative strides": ({"layout": "negative"}, "value"),
        "complex, in Python": ({"dtype": "complex64"}, "error"),
        "uint64, in Python": ({"dtype": "uint64"}, None),
        "near 3e38, in Python": ({"scale": 3e38}, None),
        "× 1e-300, in Python": ({"dtype": "float64", "scale": 1e-300}, None),
        "empty, in Python": ({"shape": [0, 8], "indices": []}, "error"),
    }
    for what, (change, outcome) in more.items():
        content = {"array.json": json.dumps(ARRAY | change).encode()}
        yield Listed(kind, what, "arrays", "plain", content, outcome)


def _shapes() -> Iterator[Listed]:
    kind = "a shape that lies"
    for shape in (f"({2**70}, 8)", "(-1, 8)", f"({2**61}, 0)", "(99999999999, 8)", "(5.5, 8)"):
        header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".encode()
        header += b" " * (-(10 + len(header) + 1) % 64) + b"\n"
        made = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(160)
        yield Listed(kind, f"npy, {shape}", "matrices", "npy", {"m.npy": made})
    for shape in ([2**40, 2**40], [-5, 8], [0, 2**61]):
        told = {"W": {"dtype": "F32", "shape": shape, "data_offsets": [0, 160]}}
        text = json.dumps(told).encode()
        made = len(text).to_bytes(8, "little") + text + bytes(160)
        what = f"safetensors, {shape}"
        yield Listed(kind, what, "matrices", "safetensors", {"m.safetensors": made})
    gguf = seeds_of("ggufs")["tied"].files["m.gguf"]
    at = gguf.index(b"output_norm.weight") + len(b"output_norm.weight")
    lying = gguf[: at + 4 + 8 + 4] + struct.pack("<Q", 1 << 50) + gguf[at + 4 + 8 + 4 + 8 :]
    yield Listed(kind, "a GGUF's offset beyond the file", "ggufs", "tied", {"m.gguf": lying})
    long = (1 << 62).to_bytes(8, "little") + b"{}"
    files = {"m.safetensors": long}
    yield Listed(kind, "a safetensors header of 2⁶² bytes", "matrices", "safetensors", files)

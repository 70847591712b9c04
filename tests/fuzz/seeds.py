"""Small real files, or folders of them: what changes are made to.

Each is read as it is; a test holds that.
"""

from __future__ import annotations

import base64
import gzip
import io
import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save

from tests.load.lenses import files as lens_files
from tests.load.neuronpedia import bucket as neuronpedia
from tests.load.published_layouts import LAYOUTS, by_name, entries, files_of, unlisted
from tests.load.published_layouts.models import TinyModel
from tests.load.tiny_models import sharded_gpt2, tiny_gpt2

Files = dict[str, bytes]


@dataclass(frozen=True)
class Seed:
    """A real input of one reader.

    Attributes:
        files: by their path; a text alone is one file, `text`.
        options: what the reader needs to know beside them.
        fixed: paths that stay as they are.
        refused: whether it is refused as it is; None where either would be right.
    """

    files: Files
    options: dict[str, Any] = field(default_factory=dict)
    fixed: tuple[str, ...] = ()
    refused: bool | None = False

    @property
    def paths(self) -> list[str]:
        """What may be changed, in order."""
        return sorted(self.files.keys() - set(self.fixed))


Seeds = dict[str, Seed]


def _text(text: str, *, refused: bool | None = False, **options: Any) -> Seed:
    return Seed({"text": text.encode()}, options, refused=refused)


# --- models ---

FAMILIES = (
    "gpt2-small", "pythia-70m-deduped", "mistral-7b", "gemma-2b", "gemma-2-2b", "qwen3-0.6b",
    "google/gemma-3-1b-pt", "google/gemma-3-4b-pt", "meta-llama/Llama-3.1-8B",
    "Qwen/Qwen2.5-7B-Instruct", "Qwen/Qwen3-30B-A3B-Base", "Qwen/Qwen3.5-2B-Base",
)  # fmt: skip
_PARTS = {
    "google/gemma-3-4b-pt": ("mlp:0",),  # whose config does not say how many heads there are
    "Qwen/Qwen3-30B-A3B-Base": ("mlp:0:e0", "head:1"),
    "Qwen/Qwen3.5-2B-Base": ("mlp:0",),  # layer 1 has no heads
}
_TOKENIZER = ("tokenizer.json",)


def model_files(name: str) -> Files:
    """A model of two layers, without its tokenizer."""
    model = TinyModel(name)
    model.spec = replace(model.spec, layers=2)
    made = {path: make() for path, make in model.files().items()}
    return {path: made[path] for path in ("config.json", "model.safetensors", "tokenizer.json")}


def _sharded() -> Files:
    """GPT-2 in three files, without the tensors that are not read."""
    files = {path: content for path, content in sharded_gpt2().items() if len(content) < 100_000}
    wanted = json.loads(files["model.safetensors.index.json"])["weight_map"]
    kept = {name: file for name, file in wanted.items() if file in files}
    files["model.safetensors.index.json"] = json.dumps({"weight_map": kept}).encode()
    return files


def models() -> Seeds:
    """Folders of models: `config.json`, tensors and a tokenizer."""
    found = {}
    for name in FAMILIES:
        parts = _PARTS.get(name, ("mlp:0", "head:1"))
        found[name.split("/")[-1]] = Seed(model_files(name), {"parts": parts}, fixed=_TOKENIZER)
    return found | {"sharded": Seed(_sharded(), {"parts": ("mlp:1",)})}


# --- vocabularies ---


def vocabularies() -> Seeds:
    """Tokenizers in every format that is read."""
    from tests.load.test_sentencepiece import trained
    from tests.load.test_tekken import CONFIG, SPECIAL, VOCAB

    pieces = {"[UNK]": 0, "the": 1, "##s": 2, "[PAD]": 3, "é": 4}
    wordpiece = {
        "model": {"type": "WordPiece", "vocab": pieces, "unk_token": "[UNK]",
                  "continuing_subword_prefix": "##"},
        "added_tokens": [{"id": 0, "content": "[UNK]", "special": True}],
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
    }  # fmt: skip
    unigram = {
        "model": {"type": "Unigram", "unk_id": 0, "byte_fallback": True,
                  "vocab": [["<unk>", 0], ["▁the", -1.5], ["<0x0A>", -2.0], ["é", -3]]},
        "added_tokens": [{"id": 4, "content": "<extra>", "special": False}],
        "decoder": {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
            {"type": "ByteFallback"}, {"type": "Fuse"}]},
    }  # fmt: skip
    ranks = [b"a", b" the", b"\xe2\x80", "é".encode(), b"\n"]
    lines = b"".join(base64.b64encode(raw) + b" %d\n" % i for i, raw in enumerate(ranks))
    files = sharded_gpt2()
    gpt2 = {name: files[name] for name in ("vocab.json", "merges.txt")}
    added = {
        "added_tokens.json": b'{"<|more|>": 263}',
        "tokenizer_config.json": json.dumps(
            {"tokenizer_class": "GPT2Tokenizer", "added_tokens_decoder": {
                "262": {"content": "<|endoftext|>", "special": True}}}
        ).encode(),
    }  # fmt: skip
    tekken = {"config": CONFIG, "vocab": VOCAB, "special_tokens": SPECIAL}
    return {
        "byte-level": Seed({"tokenizer.json": tiny_gpt2()["tokenizer.json"]}),
        "wordpiece": Seed({"tokenizer.json": json.dumps(wordpiece).encode()}),
        "unigram": Seed({"tokenizer.json": json.dumps(unigram).encode()}),
        "gpt2": Seed(gpt2),
        "added": Seed(gpt2 | added),
        "tekken": Seed({"tekken.json": json.dumps(tekken).encode()}),
        "tiktoken": Seed({"a.tiktoken": lines}),
        "tiktoken.gz": Seed({"a.tiktoken.gz": gzip.compress(lines, mtime=0)}),
        "vocab.txt": Seed({"vocab.txt": "[UNK]\nthe\n##s\n[PAD]\né\n".encode()}),
        "unigram.model": Seed({"tokenizer.model": trained("unigram")}),
        "bpe.model": Seed({"spiece.model": trained("bpe")}),
    }


# --- gguf ---


def ggufs() -> Seeds:
    """Models of one file, of several quantisations and tokenizers."""
    from gguf import GGMLQuantizationType as Q

    from tests.load.test_gguf import array, q8_0, tied, untied, write

    scales, integers = np.full((32, 2), 0.5, np.float16), np.ones((32, 64), np.int64)
    packed = tied() | {"blk.0.ffn_down.weight": q8_0(scales, integers)}
    half = untied() | {"output.weight": array(5, 32).astype(np.float16)}
    pieces = ["<unk>", "▁the", "<0x0A>", "a", "b"]

    def made(*args: Any, **options: Any) -> Seed:
        with tempfile.TemporaryDirectory() as folder:
            path = write(Path(folder) / "m.gguf", *args, **options)
            return Seed({"m.gguf": path.read_bytes()})

    return {
        "tied": made(tied()),
        "untied": made(half),
        "q8_0": made(packed, quantised={"blk.0.ffn_down.weight": Q.Q8_0}),
        "llama": made(tied(), tokenizer="llama", tokens=pieces, types=[2, 1, 6, 1, 1]),
    }


def reads() -> Seeds:
    """Models of which is asked what their MLPs read, as folders and as files."""
    from tests.load import test_gguf_reads, test_reads
    from tests.load.test_gguf import write

    found = {}
    for name, family in test_reads.FAMILIES.items():
        with tempfile.TemporaryDirectory() as folder:
            test_reads.write(Path(folder) / "m", family)
            files = {each.name: each.read_bytes() for each in Path(folder, "m").iterdir()}
        found[name] = Seed(files, {"path": "", "layer": 0, "expert": family.expert})
    for architecture in ("llama", "olmo2", "dbrx"):
        tensors = test_gguf_reads.whole() | {"blk.1.attn_output_norm.weight": np.ones(32, "f")}
        with tempfile.TemporaryDirectory() as folder:
            path = write(Path(folder) / "m.gguf", tensors, architecture=architecture)
            files = {path.name: path.read_bytes()}
        found[architecture] = Seed(files, {"path": path.name, "layer": 1, "expert": None})
    return found


# --- dictionaries and matrices ---

HOOK = "blocks.0.hook_resid_post"
_HOOKS = {"connor_rob_hook_z": None}
_PATHS = {"mntss_clt_layer_transcoder": ""}
"""Where the table of published dictionaries names more than a path."""


def dictionaries() -> Seeds:
    """One published dictionary a loader, and every layout that the registry has none of."""
    found: Seeds = {}
    for entry in entries():
        if entry.loader in found or entry.loader not in LAYOUTS:
            continue
        files = {
            path: content
            for path, content in files_of(entry.release, entry.id).items()
            if len(content) < 200_000
        }
        path, hook = _PATHS.get(entry.loader, entry.path), _HOOKS.get(entry.loader, HOOK)
        options = {"path": path, "hook": hook, "model": entry.model}
        found[entry.loader] = Seed(files, options)
    for name in unlisted.CASES:
        case = unlisted.make(name)
        files = {path: make() for path, make in case.files.items()}
        options = {"path": case.path, "hook": case.hook, "model": case.model}
        found[name] = Seed(files, options, refused=bool(case.refused))
    return {name: seed for name, seed in found.items() if seed.files}


def _npy(array: np.ndarray) -> bytes:
    made = io.BytesIO()
    np.save(made, array)
    return made.getvalue()


def _npz(**arrays: np.ndarray) -> bytes:
    made = io.BytesIO()
    np.savez(made, **arrays)
    return made.getvalue()


def _torch(content: Any, zipped: bool) -> bytes:
    made = io.BytesIO()
    torch.save(content, made, _use_new_zipfile_serialization=zipped)
    return made.getvalue()


def matrices() -> Seeds:
    """Files of one matrix in every container."""
    rows = torch.arange(40, dtype=torch.float32).reshape(5, 8).sin()
    array = rows.numpy()
    state = {"W_dec": rows, "b_dec": rows[0]}
    return {
        "npy": Seed({"m.npy": _npy(array)}),
        "columns": Seed({"m.npy": _npy(np.asfortranarray(array.astype(">f8")))}),
        "npz": Seed({"m.npz": _npz(W_dec=array, b_dec=array[0])}),
        "safetensors": Seed({"m.safetensors": save({"W_dec": rows.half()}, {"format": "pt"})}),
        "zip": Seed({"m.pt": _torch(state, True)}),
        "legacy": Seed({"m.pt": _torch(state, False)}),
        "one tensor": Seed({"m.pt": _torch(rows.T.contiguous().T[1:4], True)}),
    }


# --- lenses ---


def lenses() -> Seeds:
    """A lens in every layout: published, under way, our own, tuned."""
    J = lens_files.matrices(3, 4)
    tables = {"metadata": {"capture_point": "attn_in", "model_name": "gpt2"}}
    said = {"n_prompts": 9, "stability": {"0": {"frobenius": 0.5}}, "model": {"name": "gpt2"}}
    config = json.dumps(lens_files.tuned_config(3, 4)).encode()
    params = _torch(lens_files.translators(3, 4).state_dict(), True)
    beside = b"hf_model_name: gpt2\nresults: {prompts_fitted: 100}\n"
    return {
        "jacobian": Seed({"l.pt": _torch(lens_files.published(J), True), "config.yaml": beside}),
        "legacy": Seed({"l.pt": _torch(lens_files.published(J, **tables), False)}),
        "sums": Seed({"l.pt": _torch(lens_files.sums(J, 7, target_layer=3), True)}),
        "own": Seed({"l.safetensors": lens_files.own(J, **said)}),
        "tuned": Seed({"params.pt": params, "config.json": config}),
    }


# --- token sets ---

_YAML = r"""
family: chemistry
source: my notebook
sets:
  noble_gases: helium neon argon word1 word2 word3
  alkali:
    description: Metals of the first group.
    words: [word4, word5, =word6, potassium]
    space: required
    case: sentence
    pieces: first_token
    except: [word5]
  in_1: {regex: '^word[0-9]*1\Z', space: kept, case: any}
  greek: {characters: '[a-m]', how: any}
  not_alkali:
    difference: ['wordnet:bird', alkali]
  both: {union: [noble_gases, alkali]}
"""
_TOML = """
family = "chemistry"

[sets]
noble = "word1 word2 word3"
in_1.regex = "1$"

[sets.alkali]
description = "Metals."
words = ["word4", "word5"]
space = "any"

[sets.cut]
intersection = ["noble", "alkali"]
"""


_GRAPH = {
    "metadata": {
        "slug": "g", "scan": "me/set", "transcoder_list": ["t-0", "t-1"], "schema_version": 1,
        "prompt_tokens": ["a", " b"], "info": {"transcoder_set": "me/set"},
    },
    "nodes": [
        {"node_id": "0_3_1", "feature": 9, "layer": "0", "feature_type": "cross layer transcoder",
         "clerp": "", "influence": 0.25},
        {"node_id": "1_8_1", "feature": 53, "layer": "1", "feature_type": "cross layer transcoder",
         "activation": 1e-05},
        {"node_id": "1_8_0", "feature": 18, "layer": 1, "feature_type": "unexplored node",
         "clerp": "é"},
        {"node_id": "0_1_1", "feature": -1, "layer": "1",
         "feature_type": "mlp reconstruction error"},
        {"node_id": "2_7_1", "feature": 7, "layer": "2", "feature_type": "logit",
         "clerp": "Output \" a\" (p=0.250)"},
    ],
    "links": [{"source": "0_3_1", "target": "2_7_1", "weight": -0.5}],
}  # fmt: skip


def graphs() -> Seeds:
    """Attribution graphs, set out in several ways."""
    laid = {
        "indented": json.dumps(_GRAPH, indent=2),
        "dense": json.dumps(_GRAPH, separators=(",", ":")),
        "marked": "\ufeff" + json.dumps(_GRAPH, ensure_ascii=False),
    }  # fmt: skip
    return {name: Seed({"graph.json": text.encode()}) for name, text in laid.items()}


def token_sets() -> Seeds:
    """Files of token sets of one's own."""
    gmt = "a\tof notes\tword1\tword2\tword3\nb\t\t␣word4\t\\n\t\\xe2\\x80\nc\tids\t1\t2\t3\n"
    return {
        "yaml": Seed({"mine.yaml": _YAML.encode()}),
        "toml": Seed({"mine.toml": _TOML.encode()}),
        "gmt": Seed({"mine.gmt": gmt.encode()}),
        "tree": Seed({"mine.yaml": json.dumps(_TREE).encode()}, {"as": "tree"}),
    }


_TREE = {
    "family": "chemistry",
    "source": "my notebook",
    "space": "any",
    "sets": {
        "gases": "word1 word2 word3",
        "alkali": {"words": ["word4", "word5"], "space": "required", "except": ["word5"]},
        "in_1": {"regex": "1$", "case": "any"},
        "greek": {"characters": "[a-m]", "how": "any"},
        "less": {"difference": ["gases", "alkali"]},
    },
}


# --- exports of Neuronpedia ---


def exports() -> Seeds:
    """A line of each kind, a feature of the web API, and a dashboard of SAEDashboard."""
    lines = [
        neuronpedia.feature(1), neuronpedia.explanation(1, "months of the year"),
        neuronpedia.activation(1, ["in", " May"], [0.0, 2.5]),
    ]  # fmt: skip
    nested = neuronpedia.feature(2, explanations=[lines[1]], activations=[lines[2]])
    text = {"tokens": ["in", " May"], "values": [0.0, 2.5], "bin_min": -1, "bin_max": 3}
    dashed = {"feature_index": 4, "frac_nonzero": 0.004, "activations": [text], "pos_str": []}
    dashboard = {"model_id": "tiny", "layer": 3, "sae_set": "x", "features": [dashed]}
    plain = "".join(f"{json.dumps(line)}\n" for line in lines).encode()
    return {
        "lines": Seed({"batch-0.jsonl": plain}),
        "packed": Seed({"batch-0.jsonl.gz": neuronpedia.packed(lines)}),
        "api": Seed({"batch-0.json": json.dumps(nested).encode()}),
        "dashboard": Seed({"batch-0.json": json.dumps(dashboard).encode()}),
    }


# --- runs ---


@cache
def tiny_run_files() -> Files:
    """The files of `tests.fuzz.readers.make_run`: two banks, token sets and classes."""
    from tests.fuzz.readers import make_run

    with tempfile.TemporaryDirectory() as name:
        make_run(Path(name))
        folder = Path(name) / "run"
        return {
            str(path.relative_to(folder)): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file() and path.suffix in (".json", ".parquet", ".npy")
        }


@cache
def golden_files() -> Files:
    """The run of schema 1 that every later version reads."""
    folder = Path(__file__).parents[1] / "golden" / "schema-1"
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


_ASKED = ("opened", "pairs", "overview")
"""What is asked of a run from somebody else; the last takes longest."""


def manifests() -> Seeds:
    """Runs of which the manifest alone is changed."""
    return {
        name: replace(seed, fixed=tuple(seed.files.keys() - {"manifest.json"}))
        for name, seed in tables().items()
    }


def tables() -> Seeds:
    """Runs of which the tables are changed."""
    both = {"new": tiny_run_files(), "golden": golden_files()}
    return {
        f"{name}, {ask}": Seed(files, {"ask": ask}, fixed=("manifest.json",))
        for name, files in both.items()
        for ask in _ASKED[: 3 if name == "new" else 2]
    }


def questions() -> Seeds:
    """What is asked of a run as text."""
    return {
        "feature": _text("a/3", ask="feature"),
        "where": _text("kurtosis > 1 and label like '%some%'", ask="where"),
        "set": _text("some", ask="set"),
        "token": _text(" the", ask="token"),
        "like": _text("b/2", ask="like"),
        "sort": _text("kurtosis", ask="sort"),
        "bank": _text("a", ask="bank"),
        "leading edge": _text("many", ask="edge"),
    }


def requests() -> Seeds:
    """What the explorer is asked: a path and headers."""
    paths = (
        "/api/run.json", "/api/columns/kurtosis.bin", "/api/rows/0.json",
        "/api/features/a/3.json", "/api/features/b/2/weights.f32",
        "/api/features/a/1/nearest.json", "/api/sets.json", "/api/sets/1.json",
        "/api/sets/0/members.i32", "/api/sets/1/z.f32", "/api/sets/0/against/1.f32",
        "/api/tokens.json", "/api/tokens/5.json", "/api/tokens/5/weights.f32", "/api/layers.json",
        "/", "/index.html",
    )  # fmt: skip
    head = "GET {}\nhost: 127.0.0.1\nif-none-match: x\nsec-fetch-site: none\nrange: bytes=0-9\n"
    return {path: Seed({"request": head.format(path).encode()}) for path in paths}


# --- references, and arrays ---


def references() -> Seeds:
    """What is written for a model or a bank of features on the command line."""
    features = (
        "mlp:0", "mlp:0-1", "mlp:all", "mlp:0,1", "head:1.1", "head:0", "head:all", "saes/x.npy",
        "saes/*.npy", "saes/m{0-3}.npy", "name=saes/x.npy", "saes/x.npy:sum", "saes/x.npy:0→1",
        "gpt2-small-res-jb/blocks.8.hook_resid_pre", "gpt2-small/8-res-jb", "mlp:0:e1",
        "https://www.neuronpedia.org/gpt2-small/8-res-jb/4467", "hf:a/b@main/x.npy", "a/b",
        "gemma-scope-2b-pt-res-canonical/layer_20/width_16k/canonical", "saes",
    )  # fmt: skip
    models_ = (
        "model",
        "gpt2-small",
        "hf:a/b@main",
        "./model",
        "a/b",
        "model/config.json",
        "x.gguf",
    )
    return {
        **{each: _text(each, refused=None, of="features") for each in features},
        **{f"model {each}": _text(each, refused=None, of="model") for each in models_},
    }


ARRAY = {
    "shape": [5, 8], "dtype": "float32", "fill": "normal", "scale": 1.0, "layout": "plain",
    "kind": "numpy", "name": "bank", "indices": [0, 1, 2, 3, 4], "layer": 3,
    "log10_density": None, "hook": None, "neuronpedia": "a/b", "token_ids": [1, 2, 3],
}  # fmt: skip


def arrays() -> Seeds:
    """Arrays as a caller may have them, described in JSON."""
    variants: dict[str, dict[str, Any]] = {
        "plain": {},
        "torch": {"kind": "torch"},
        "half": {"dtype": "float16"},
        "strided": {"layout": "negative"},
        "density": {"log10_density": [-1, -2, -3, -4, -5]},
        "one": {"shape": [8], "indices": None},
        "masked": {"layout": "masked"},
        "sparse": {"kind": "torch", "layout": "sparse"},
        "meta": {"kind": "torch", "layout": "meta"},
        "complex": {"dtype": "complex64"},
        "uint64": {"dtype": "uint64"},
        "tiny": {"dtype": "float64", "scale": 1e-300},
        "vast": {"scale": 3e38},
        "empty": {"shape": [0, 8], "indices": []},
        "big-endian": {"dtype": ">f4"},
    }
    odd = ("empty", "masked", "sparse", "meta", "complex", "uint64", "tiny", "vast", "big-endian")
    return {
        name: Seed(
            {"array.json": json.dumps(ARRAY | more).encode()},
            refused=None if name in odd else False,
        )
        for name, more in variants.items()
    }


SEEDS: dict[str, Callable[[], Seeds]] = {
    each.__name__: each
    for each in (
        models, vocabularies, ggufs, reads, dictionaries, matrices, lenses, graphs, token_sets,
        manifests, tables, questions, requests, references, arrays, exports,
    )
}  # fmt: skip


@cache
def seeds_of(reader: str) -> Seeds:
    """Return the seeds of one reader, by name."""
    return SEEDS[reader]()


__all__ = ["SEEDS", "Seed", "Seeds", "by_name", "seeds_of"]

"""Every reader of a document, given documents that are damaged, hostile or of another type.

Each gives an error of ours that names the file, soon.
"""

from __future__ import annotations

import json
import lzma
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.load.fake_hub import FakeHub, point_at
from tests.load.layouts import llama_tensors, write_model, write_shards
from tests.load.published_hub import fill, repositories
from tests.load.published_layouts import TINY, by_name, model_files, unlisted
from unembed.errors import FormatError, SourceError, UnembedError
from unembed.facts import BankFacts
from unembed.load import load_features
from unembed.load.hub import HubFolder
from unembed.load.models import short_names
from unembed.load.models.open import load_model
from unembed.load.published import table
from unembed.load.reopen import reopen_features
from unembed.outside.fields import Fields

BODIES: dict[str, bytes] = {
    "nothing": b"",
    "not closed": b'{"a": [',
    "deep": b"[" * 100_000,
    "deep tables": b'{"a":' * 100_000,
    "bytes": bytes(range(128, 256)),
    "a list": b"[1]",
    "a text": b'"x"',
    "a number": b"9" * 100_000,
    "half a character": b'{"model_type": "\\ud800", "a": "\\ud800"}',
    "aliases": b"a: &a [x,x,x,x,x,x,x,x,x]\n"
    + b"".join(b"%c: &%c [%s]\n" % (98 + i, 98 + i, b",".join([b"*%c" % (97 + i)] * 9))
               for i in range(12)),
    "an alias of itself": b"a: &a\n  x: *a\n",
}  # fmt: skip
"""What is no document of settings, in JSON or in YAML."""


@dataclass(frozen=True)
class Reader:
    """What reads a document, of a folder that is made for it.

    Attributes:
        make: writes the folder, and returns what reads it.
        document: its path in the folder.
        wrong: fields that are refused: each a way to their table, and the values.
    """

    make: Callable[[Path], Callable[[], Any]]
    document: str
    wrong: tuple[tuple[str, tuple[Any, ...]], ...] = ()


WHOLE = ("8", 1.5, [1], {"a": 1}, True, float("nan"), 1e400, -1, 10**25)
"""What is no number of layers, heads or experts."""
TEXT = (5, True, [], ["x"], {"a": 1}, "x" * 100_000, "a\nb", "\x1b[2J")
"""What is no name."""
FLAG = ("false", "true", 0, 1, [], {})
"""What is neither true nor false."""
TABLE = ("x", 5, [1], True)
"""What is no table."""


def model(act: Callable[[Path], Any], **config: Any) -> Callable[[Path], Callable[[], Any]]:
    def make(folder: Path) -> Callable[[], Any]:
        tensors = llama_tensors(layers=2)
        tensors |= {
            f"model.layers.{layer}.self_attn.o_proj.weight": tensors["lm_head.weight"][:4].clone()
            for layer in range(2)
        }
        config.setdefault("num_hidden_layers", 2)
        write_model(folder, tensors, model_type="llama", num_attention_heads=2, **config)
        return lambda: act(folder)

    return make


def unembedding(folder: Path) -> Any:
    return load_model(folder).unembedding()


def shards(folder: Path) -> Callable[[], Any]:
    parts = {"a.safetensors": llama_tensors()}
    write_shards(folder, parts, model_type="llama", num_hidden_layers=1)
    return lambda: unembedding(folder)


def params(folder: Path) -> Callable[[], Any]:
    tensors = {
        "tok_embeddings.weight": llama_tensors()["lm_head.weight"],
        "output.weight": llama_tensors()["lm_head.weight"],
        "norm.weight": llama_tensors()["model.norm.weight"],
        "layers.0.feed_forward.w2.weight": llama_tensors()["model.layers.0.mlp.down_proj.weight"],
    }
    write_model(folder, tensors)
    (folder / "model.safetensors").rename(folder / "consolidated.safetensors")
    (folder / "config.json").rename(folder / "params.json")
    (folder / "params.json").write_text('{"n_layers": 1, "n_heads": 2}')
    return lambda: load_features("mlp:all", model=folder)


def dictionary(name: str) -> Callable[[Path], Callable[[], Any]]:
    """A dictionary of `published_layouts`: one that is in no registry, or its entry's name."""

    def make(folder: Path) -> Callable[[], Any]:
        case = unlisted.make(name)
        write(folder, {path: make() for path, make in case.files.items()})
        assert case.model is not None
        write(folder / "model", model_files(case.model, TINY))
        place, of = folder / case.path, folder / "model"
        return lambda: load_features(place, model=of, hook=case.hook)

    return make


def published(name: str, file: str = "") -> Callable[[Path], Callable[[], Any]]:
    """An entry of the registry as files on this disk."""

    def make(folder: Path) -> Callable[[], Any]:
        entry = by_name()[name]
        files = repositories(TINY, (entry,))[entry.repo]
        write(folder, files)
        write(folder / "model", model_files(entry.model, TINY))
        return lambda: load_features(folder / (file or entry.path), model=folder / "model")

    return make


def write(folder: Path, files: dict[str, bytes]) -> None:
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)


def saelens(folder: Path) -> Callable[[], Any]:
    config = {"d_sae": 7, "metadata": {"hook_name": "blocks.0.hook_resid_pre", "hook_layer": 0}}
    write_model(folder, {"W_dec": llama_tensors()["lm_head.weight"]}, **config)
    (folder / "model.safetensors").rename(folder / "sae_weights.safetensors")
    (folder / "config.json").rename(folder / "cfg.json")
    return lambda: load_features(folder)


def matrix(folder: Path) -> Callable[[], Any]:
    write_model(folder, {"W_dec": llama_tensors()["lm_head.weight"]})
    (folder / "model.safetensors").rename(folder / "mine.safetensors")
    (folder / "config.json").rename(folder / "cfg.json")
    (folder / "cfg.json").write_text('{"sae": {"hook_name": "blocks.0.hook_resid_pre"}}')
    return lambda: load_features(folder / "mine.safetensors")


FP8 = {"quantization_config": {"weight_block_size": [2, 2], "config_groups": {}}}
SAELENS = "gpt2-small-res-jb/blocks.11.hook_resid_post"
HOOK_Z = "gpt2-small-hook-z-kk/blocks.11.hook_z"
TRACER = "mwhanna-qwen3-4b-transcoders/layer_0"
LAYER_FILE = "layer_0.safetensors"

READERS: dict[str, Reader] = {
    "config.json, unembedding": Reader(
        model(unembedding), "config.json",
        (("model_type", TEXT), ("tie_word_embeddings", FLAG), ("text_config", TABLE),
         ("quantization_config", TABLE)),
    ),
    "config.json, neurons": Reader(
        model(lambda folder: load_features("mlp:all", model=folder)), "config.json",
        (("num_hidden_layers", WHOLE),),
    ),
    "config.json, heads": Reader(
        model(lambda folder: load_features("head:all", model=folder)), "config.json",
        (("num_attention_heads", ("2", True, -1, 10**25, {"a": 1}, [2], [2, "2"])),),
    ),
    "config.json, layers by kind": Reader(
        model(lambda folder: load_features("mlp:all", model=folder), num_hidden_layers=None,
              layer_types=["a", "a"]), "config.json",
        (("layer_types", (5, {}, True, ["a"] * 20_000)),),
    ),
    "config.json, text_config": Reader(
        model(lambda folder: load_model(folder).n_layers, text_config={"num_hidden_layers": 2}),
        "config.json", (("text_config.num_hidden_layers", WHOLE),),
    ),
    "config.json, quantisation": Reader(
        model(lambda folder: load_model(folder).unembedding(), **FP8), "config.json",
        (("quantization_config", TABLE),),
    ),
    "params.json": Reader(params, "params.json", (("n_layers", WHOLE),)),
    "index": Reader(
        shards, "model.safetensors.index.json",
        (("weight_map", TABLE),
         ("weight_map.lm_head.weight", (5, [], {}, "", "../m/a.safetensors", "/a.safetensors"))),
    ),
    "SAELens": Reader(
        saelens, "cfg.json",
        (("metadata", TABLE), ("metadata.hook_name", TEXT), ("metadata.model_name", TEXT),
         ("metadata.neuronpedia_id", TEXT), ("architecture", TEXT), ("d_sae", WHOLE),
         ("metadata.hook_layer", (*WHOLE[1:], "x", "9" * 9000)),
         ("finetuning_scaling_factor", FLAG), ("rescale_acts_by_decoder_norm", FLAG),
         ("normalize_activations", (5, [], {}))),
    ),
    "dictionary_learning": Reader(
        dictionary("dictionary_learning unfinished"), "t/config.json",
        (("trainer", TABLE), ("trainer.layer", WHOLE), ("trainer.lm_name", TEXT),
         ("trainer.dict_class", TEXT), ("trainer.submodule_name", TEXT), ("buffer", TABLE)),
    ),
    "dictionary_learning crosscoder": Reader(
        dictionary("dictionary_learning crosscoder, scaled per neuron"), "config.json",
        (("keep_relative_variance", FLAG),),
    ),
    "sparsify": Reader(
        dictionary("sparsify mlp"), "layers.3.mlp/cfg.json",
        (("transcode", FLAG), ("activation", TEXT)),
    ),
    "Llama Scope": Reader(
        dictionary("llama scope transcoder"), "Llama3_1-8B-Base-L3TC-8x/hyperparams.json",
        (("hook_point_out", TEXT), ("hook_point_in", TEXT), ("norm_activation", TEXT)),
    ),
    "llamascopium": Reader(
        dictionary("llamascopium sae"), "L/config.json",
        (("sae_type", TEXT), ("act_fn", TEXT), ("hook_point_out", TEXT)),
    ),
    "llamascopium, its model": Reader(
        dictionary("llamascopium sae"), "L/lm_config.json", (("model_name", TEXT),)
    ),
    "llamascopium crosscoder": Reader(
        dictionary("llamascopium crosscoder"), "L/config.json",
        (("hook_points", (5, "x", {}, [5], [None], ["x"] * 9999)),),
    ),
    "llamascopium cross-layer": Reader(
        dictionary("llamascopium cross-layer transcoder"), "L/config.json",
        (("hook_points_out", (5, "x", {}, [], [[]], ["blocks.0.hook_mlp_out"] * 9999)),),
    ),
    "crosscoder of two models": Reader(
        dictionary("crosscoder of two models"), "blocks.14.hook_resid_pre/cfg.json",
        (("hook_point", TEXT),),
    ),
    "hook_z": Reader(
        published(HOOK_Z), by_name()[HOOK_Z].path.replace(".pt", "_cfg.json"),
        (("act_name", TEXT), ("model_name", TEXT)),
    ),
    "circuit-tracer": Reader(
        published(TRACER, LAYER_FILE), "config.yaml",
        (("feature_output_hook", TEXT), ("model_name", TEXT)),
    ),
    "Gemma Scope 2": Reader(
        published("gemma-scope-2-4b-it-att-all/layer_0_width_16k_l0_big"),
        "attn_out_all/layer_0_width_16k_l0_big/config.json",
        (("hf_hook_point_in", TEXT), ("hf_hook_point_out", TEXT), ("architecture", TEXT)),
    ),
    "a matrix beside a config": Reader(
        matrix, "cfg.json", (("hook_name_out", TEXT), ("sae.hook_name", TEXT)),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", READERS)
def test_documents(tmp_path: Path, name: str) -> None:
    """What is no document of settings is refused, and so is a field of another type."""
    reader = READERS[name]
    act = reader.make(tmp_path / "m")
    act()  # what is right is read
    path = tmp_path / "m" / reader.document
    right = path.read_bytes()
    for body in BODIES.values():
        path.write_bytes(body)
        _check(act, path.name, body[:40])
    for way, values in reader.wrong:
        for value in values:
            path.write_bytes(_changed(right, path.suffix, way, value))
            _check(act, path.name, f"{way}: {value!r:.60}")


def _check(act: Callable[[], Any], name: str, what: object) -> None:
    began = time.process_time()
    error: UnembedError | None = None
    try:
        act()
    except UnembedError as raised:
        error = raised
    assert error is not None, f"{what} is read"
    assert name in str(error), f"{what}: {error}"
    assert len(str(error)) < 2_000, f"{what}: {len(str(error))} characters"
    assert time.process_time() - began < 2, what


def _changed(raw: bytes, suffix: str, way: str, value: Any) -> bytes:
    """A document with one field changed, `TABLE.FIELD` in a table where there is one."""
    tree = yaml.safe_load(raw) if suffix == ".yaml" else json.loads(raw)
    table, key = tree, way
    first, _, rest = way.partition(".")
    if rest and isinstance(tree.get(first), dict):
        table, key = tree[first], rest
    table[key] = value
    return (yaml.safe_dump(tree) if suffix == ".yaml" else json.dumps(tree)).encode()


@pytest.mark.parametrize(
    ("name", "way", "value"),
    [
        ("SAELens", "metadata", {"hook_name": f"blocks.{'9' * 25}.hook_resid_pre"}),
        ("dictionary_learning", "trainer.submodule_name", "resid_post_layer_" + "9" * 25),
        ("Llama Scope", "hook_point_out", f"blocks.{'9' * 25}.hook_mlp_out"),
    ],
)
def test_a_layer_that_no_model_has(tmp_path: Path, name: str, way: str, value: Any) -> None:
    act = READERS[name].make(tmp_path / "m")
    path = tmp_path / "m" / READERS[name].document
    path.write_bytes(_changed(path.read_bytes(), path.suffix, way, value))
    with pytest.raises(FormatError, match=rf"^{tmp_path}/m.*no model has a layer 9"):
        act()


# --- what is kept, and tables ---


@pytest.mark.parametrize(
    "body",
    [*BODIES.values(), b'{"files": 5, "repo": "a/b"}', b'{"files": [5], "repo": "a/b"}',
     b'{"files": ["../x"], "repo": "a/b"}', b'{"files": ["/x"], "repo": "a/b"}',
     b'{"files": ["x"], "repo": 5}', b'{"files": ["x"]}', b"{}"],
)  # fmt: skip
def test_a_damaged_listing_is_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    with FakeHub() as hub:
        fill(hub, repositories(TINY, (by_name()[SAELENS],)))
        point_at(hub.endpoint, tmp_path, monkeypatch)
        repo = by_name()[SAELENS].repo
        right = HubFolder(repo).folders()
        kept = sorted((tmp_path / "unembed").rglob("*.json")) or sorted(
            (tmp_path / "cache").rglob("*.json")
        )
        assert len(kept) == 2  # of the commit, and of the branch
        for path in kept:
            path.write_bytes(body)
        assert HubFolder(repo).folders() == right


@pytest.mark.parametrize("damage", [b"", b"x", b"-5", b"9" * 5000])
def test_damaged_pieces_are_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: bytes
) -> None:
    with FakeHub() as hub:
        fill(hub, repositories(TINY, (by_name()[SAELENS],)))
        point_at(hub.endpoint, tmp_path, monkeypatch)
        right = load_features(SAELENS)[0].W_dec
        kept = [path for path in (tmp_path).rglob("*") if path.is_file() and _is_piece(path)]
        assert {path.name == "size" for path in kept} == {True, False}
        for path in kept:
            path.write_bytes(damage)
        assert load_features(SAELENS)[0].W_dec.equal(right)


def _is_piece(path: Path) -> bool:
    return path.name == "size" or path.name.replace("-", "").isdigit()


@pytest.mark.parametrize(
    "answer",
    [{"sha": "../../x"}, {"sha": None}, {"siblings": [{"rfilename": "../../x"}]},
     {"siblings": [{"rfilename": "/etc/passwd"}]}, {"siblings": [{"rfilename": 5}]}],
)  # fmt: skip
def test_a_hostile_answer_of_the_hub(
    monkeypatch: pytest.MonkeyPatch, answer: dict[str, Any]
) -> None:
    from huggingface_hub import HfApi, ModelInfo

    right: dict[str, Any] = {"id": "a/b", "sha": "1" * 40, "siblings": [{"rfilename": "x"}]}
    monkeypatch.setattr(HfApi, "model_info", lambda *_, **__: ModelInfo(**right))
    assert HubFolder("a/b").names() == ["x"]
    monkeypatch.setattr(HfApi, "model_info", lambda *_, **__: ModelInfo(**{**right, **answer}))
    with pytest.raises(SourceError, match="a/b is no listing"):
        HubFolder("a/b").names()


ORIGIN = {"format": "saelens", "path": "/x"}


@pytest.mark.parametrize(
    "origin",
    [5, [], {"path": 5, "format": "x"}, {"repo": "a/b", "format": "x"},
     {**ORIGIN, "file": 5}, {**ORIGIN, "part": ["x"]}, {**ORIGIN, "published": {}},
     {**ORIGIN, "through": 5}, {**ORIGIN, "through": {"path": [5]}},
     {**ORIGIN, "through": {"x": 1}},
     {**ORIGIN, "d_model": "8"}, {**ORIGIN, "d_model": 10**30}, {"format": "x", "model": "m"},
     {"format": "x", "model": {"path": "/x"}, "head": "1"},
     {"format": "x", "model": {"path": "/x"}, "expert": [1]}],
)  # fmt: skip
def test_where_a_manifest_says_that_a_bank_was(origin: Any) -> None:
    facts = BankFacts("b", 3, None, 0, None, origin, "0" * 64)
    with pytest.raises(FormatError, match=r"^The origin of The bank b"):
        reopen_features(facts)


def _packed(content: Any) -> bytes:
    return lzma.compress(json.dumps(content).encode())


SAE = {"loader": "sae_lens", "model": "m", "repo": "a/b"}


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"xz",
        table.SHIPPED.read_bytes()[:-100],
        lzma.compress(b" " * 200_000_000, preset=0),  # a bomb
        *(lzma.compress(body) for body in BODIES.values()),
        _packed({"releases": {}}),
        _packed({"sae_lens": "9", "releases": 5}),
        _packed({"sae_lens": "9", "releases": {"r": 5}}),
        _packed({"sae_lens": "9", "releases": {"r": {**SAE, "saes": 5}}}),
        _packed({"sae_lens": "9", "releases": {"r": {**SAE, "saes": [5]}}}),
        _packed({"sae_lens": "9", "releases": {"r": {**SAE, "saes": [["a"]]}}}),
        _packed({"sae_lens": "9", "releases": {"r": {**SAE, "saes": [["a", 5]]}}}),
        _packed({"sae_lens": "9", "releases": {"r": {**SAE, "saes": [["a", "b", {"l0": "x"}]]}}}),
        _packed({"sae_lens": "9", "releases": {"r": {**SAE, "repo": 5, "saes": []}}}),
        _packed({"sae_lens": "9", "releases": {"r": {**SAE, "overrides": 5, "saes": []}}}),
    ],
)
def test_a_damaged_table_of_published_saes(raw: bytes) -> None:
    began = time.process_time()
    with pytest.raises(FormatError, match=r"kept\.xz"):
        list(table._entries(Fields(table.load(raw, "kept.xz"), "kept.xz")))
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    "text",
    ["r: 5", "r: {}", "r: {model: m, repo_id: a/b}", "r: {model: m, repo_id: a/b, saes: [5]}",
     "r: {model: [m], repo_id: a/b, saes: []}", "r: {model: m, repo_id: a/b, saes: [{id: a}]}",
     "r: {model: m, repo_id: a/b, saes: [{id: a, path: [b]}]}", "[]", "5"],
)  # fmt: skip
def test_a_damaged_table_of_saelens(text: str) -> None:
    with pytest.raises(FormatError, match=r"pretrained_saes\.yaml"):
        table.compact(text.encode(), "9.0")


@pytest.mark.parametrize("text", ["[]", '{"a": 5}', "x"])
def test_damaged_short_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(short_names, "SHORT_NAMES", tmp_path / "names.json")
    (tmp_path / "names.json").write_text(text)
    with pytest.raises(FormatError, match=r"names\.json"):
        short_names.short_names.__wrapped__()

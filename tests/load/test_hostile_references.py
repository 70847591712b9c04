"""References that stand for more than there can be, or hold what no name has."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from tests.load.layouts import llama_tensors, tensor, write_model
from unembed.errors import FormatError, QueryError, SourceError, UnembedError
from unembed.load import load_features
from unembed.load.catalogue.facts import features_in
from unembed.load.formats.several_layers import check_count
from unembed.load.own.layers import parse_layers
from unembed.load.patterns import expand_braces, fits, natural
from unembed.load.stream.sites import layer_of, site_of


@contextmanager
def soon() -> Iterator[None]:
    began = time.process_time()
    yield
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    "text",
    ["{1-100000000}", "{0-999}{0-999}{0-999}", "{a,b}" * 60, "x{0-99999}",
     "{0-19999}" + "x" * 99_999, "{" + "0-9999," * 9999 + "1}", f"{{0-{'9' * 5000}}}",
     "{1..99999999999999}"],
)  # fmt: skip
def test_patterns_are_counted_before_they_are_written_out(text: str) -> None:
    with soon(), pytest.raises(SourceError, match=r"stands for [\d,]+ places|no end in sight"):
        expand_braces(text)


def test_as_many_as_one_reference_may_name() -> None:
    assert len(expand_braces("{0-19999}")) == 20_000


@pytest.mark.parametrize("text", ["0-99999999999", "99999999999", "0-3,2-99", "4"])
def test_layers_that_are_not_there(text: str) -> None:
    with (
        soon(),
        pytest.raises(SourceError, match=r"The model has no layer \d+: its 4 layers are 0"),
    ):
        parse_layers(text, 4)


def test_layers_named_again_and_again() -> None:
    with soon(), pytest.raises(SourceError, match="more than once"):
        parse_layers(",".join(["0-9999"] * 10_000), 10_000)


@pytest.mark.parametrize("digits", ["9" * 19, "9" * 5000])
def test_layers_of_too_many_digits(digits: str) -> None:
    with pytest.raises(SourceError, match="names no layers"):
        parse_layers(digits, 4)


def test_heads_by_the_million(tmp_path: Path) -> None:
    folder = write_model(
        tmp_path / "m", llama_tensors(), model_type="llama", num_hidden_layers=10_000,
        num_attention_heads=10_000,
    )  # fmt: skip
    with soon(), pytest.raises(SourceError, match="more than 20,000 heads"):
        load_features("head:all", model=folder)
    with soon(), pytest.raises(SourceError, match="has no layer 99999999999"):
        load_features("head:99999999999.1", model=folder)


def experts(folder: Path, numbers: list[str]) -> Path:
    tensors = {name: t for name, t in llama_tensors().items() if "mlp" not in name}
    for number in numbers:
        name = f"model.layers.0.block_sparse_moe.experts.{number}.w2.weight"
        tensors[name] = tensor(4, 6)
    return write_model(folder, tensors, model_type="mixtral", num_hidden_layers=1)


def test_experts_are_as_many_as_there_are(tmp_path: Path) -> None:
    assert len(load_features("mlp:0:all", model=experts(tmp_path / "a", ["0", "1"]))) == 2
    for last in ("3", "999999999"):
        folder = experts(tmp_path / last, ["0", last])
        with soon(), pytest.raises(FormatError, match=rf"has 2 experts .* number {last}\."):
            load_features("mlp:0:all", model=folder)


def test_a_tensor_of_a_billion_experts(tmp_path: Path) -> None:
    tensors = {name: t for name, t in llama_tensors().items() if "mlp" not in name}
    folder = write_model(tmp_path / "m", tensors, model_type="gpt_oss", num_hidden_layers=1)
    name = "model.layers.0.mlp.experts.down_proj"
    save_file({**tensors, name: torch.zeros(10**9, 0, 4)}, folder / "model.safetensors")
    with soon(), pytest.raises(FormatError, match=r"1,000,000,000|no elements|empty"):
        load_features("mlp:0:all", model=folder)


@pytest.mark.parametrize("count", [0, 501, 10**12])
def test_a_dictionary_that_writes_to_everything(count: int) -> None:
    with pytest.raises(FormatError, match=r"x\.pt: W_dec should write to between 1 and 500"):
        check_count(count, "W_dec", "x.pt")


# --- patterns of paths ---


@pytest.mark.parametrize(
    ("path", "pattern", "fit"),
    [
        ("a/b/c", "**", True), ("a/b/c", "**/**", True), ("a", "**/a/**", True),
        ("a/b/c", "a/**/c", True), ("a/c", "a/**/c", True), ("a/b", "a/**/c", False),
        ("a/b/c/d", "**/b/*/d", True), ("a", "*", True), ("a/b", "*", False), ("a", "a/*", False),
        ("a/x/a/y", "**/a/y", True),
    ],
)  # fmt: skip
def test_folders_of_any_depth(path: str, pattern: str, fit: bool) -> None:
    assert fits(path, pattern) is fit


def test_very_many_of_any_depth() -> None:
    with soon():
        assert not fits("/".join("a" * 60), "**/" * 60 + "b")
        assert not fits("a" * 5_000, "*a" * 50 + "b")


def test_numbers_of_any_length_are_sorted() -> None:
    names = ["b.10", "b.2", "b.02", f"b.{'9' * 6000}", "b.1x", "b", "b.x"]
    assert sorted(names, key=natural) == [
        "b", "b.1x", "b.02", "b.2", "b.10", f"b.{'9' * 6000}", "b.x"
    ]  # fmt: skip


# --- names ---

STRANGE = [
    "", "\x00", "a\x00b", "a" * 300, "a/" * 200, "x" * 1_000_000, "\ud800", "a\nb", "..", "../..",
    "../../etc/passwd/x", "https://[", "https://hf.co/[]{}", "hf:", "hf://", "hf:..", "hf:a/b/../c",
    "https://huggingface.co/a/b/tree/main/" + "y" * 5000, "a=" * 5000, "**", "[", "a**b", "{", "}",
    "~nobody-is-here/x", "mlp:", "mlp:0:e" + "9" * 5000, "head:" + "9" * 5000 + ".1",
    "x:" + "1" * 5000,
    "hf:org/repo@" + "r" * 400, "hf:org/repo@../../x", "sae_lens:" + "z" * 100_000, "/dev/null",
    "/dev/zero", "gpt2-small-res-jb/{0-99999999}", "\u202e\x1b[2J", "{a}" * 3000,
]  # fmt: skip


@pytest.mark.parametrize("text", STRANGE, ids=range(len(STRANGE)))
def test_strange_names(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hf"))
    folder = write_model(tmp_path / "m", llama_tensors(), model_type="llama", num_hidden_layers=1)
    with soon(), pytest.raises(UnembedError):
        load_features(text, model=folder)


@pytest.mark.parametrize(
    "hook", ["blocks.99999.hook_resid_pre", f"blocks.{'9' * 5000}.hook_mlp_out"]
)
def test_hooks_of_no_layer(hook: str) -> None:
    for read in (site_of, layer_of):
        with soon(), pytest.raises(FormatError) as error:
            read(hook)
        assert len(str(error.value)) < 1_000


@pytest.mark.parametrize("width", ["0", "0k", "9" * 5000 + "k", "-1k", "²k", ""])
def test_widths_that_are_none(width: str) -> None:
    with pytest.raises(QueryError, match="is no width"):
        features_in(width)

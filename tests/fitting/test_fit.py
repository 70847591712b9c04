"""Fits of tiny models, from a folder and a text to files: what is written, stopped, and refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open

from tests.fitting.tiny import WORDS, D, naive_jacobian, tiny_folder, transformers
from unembed import FitSettings, fit_lens, load_features, load_unembedding
from unembed.errors import FormatError, SourceError, UnembedError, WeightError
from unembed.fitting import summing
from unembed.fitting.checkpoint import checkpoint_of

pytestmark = pytest.mark.slow  # importing transformers takes seconds

SETTINGS = FitSettings(prompts=5, tokens=12, skip=3, batch=6, device="cpu")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_folder(tmp_path_factory.mktemp("models") / "tiny-llama")


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    draw = torch.Generator().manual_seed(2)
    path = tmp_path_factory.mktemp("texts") / "words.txt"
    numbers = torch.randint(0, len(WORDS), (200,), generator=draw).tolist()
    path.write_text(" ".join(WORDS[number] for number in numbers))
    return path


def prompts_by_hand(text: Path) -> list[torch.Tensor]:
    """Of 16 stretches of 12 words, numbers 0, 3, 6, 9 and 12; word number n is token n + 1."""
    words = text.read_text().split()
    return [
        torch.tensor([WORDS.index(word) + 1 for word in words[12 * at : 12 * at + 12]])
        for at in (0, 3, 6, 9, 12)
    ]


def test_a_fit_is_the_mean_of_its_prompts(model: Path, text: Path, tmp_path: Path) -> None:
    out = tmp_path / "lens.safetensors"
    settings = FitSettings(prompts=5, tokens=12, skip=3, batch=6, device="cpu", dtype="float64")
    lens = fit_lens(model, out, text=text, settings=settings)
    whole = transformers.AutoModelForCausalLM.from_pretrained(model, dtype=torch.float64)
    for layer in (0, 1):
        each = [naive_jacobian(whole, ids, layer, 3) for ids in prompts_by_hand(text)]
        mean = torch.stack(each).mean(0)
        assert torch.allclose(lens.J[layer], mean, atol=1e-6)
        halves = torch.stack(each[::2]).mean(0), torch.stack(each[1::2]).mean(0)
        difference = float((halves[0] - halves[1]).norm() / mean.norm())
        assert lens.stability[layer].frobenius == pytest.approx(difference, rel=1e-6)
        assert lens.stability[layer].top10 == pytest.approx(overlap_by_hand(model, layer, *halves))


def overlap_by_hand(model: Path, layer: int, one: torch.Tensor, other: torch.Tensor) -> float:
    W_U = load_unembedding(model).W_U.double()
    shares = []
    for w in load_features(f"mlp:{layer}", model=model)[0].W_dec.double():
        tops = [set((W_U @ (J @ w)).argsort(descending=True)[:10].tolist()) for J in (one, other)]
        shares.append(len(tops[0] & tops[1]) / 10)
    return sum(shares) / len(shares)


def test_both_formats_say_the_same(model: Path, text: Path, tmp_path: Path) -> None:
    paths = tmp_path / "lens.safetensors", tmp_path / "lens.pt"
    lens = fit_lens(model, paths, text=text, settings=SETTINGS)
    plain = tmp_path / "plain"
    plain.touch()
    assert {path.stat().st_mode for path in paths} == {plain.stat().st_mode}
    plain.unlink()
    published = torch.load(paths[1], weights_only=True)
    assert set(published) == {"J", "n_prompts", "source_layers", "d_model", "metadata"}
    assert (published["n_prompts"], published["d_model"]) == (5, D)
    assert published["source_layers"] == [*published["J"]] == [0, 1]
    with safe_open(paths[0], "pt") as file:
        header = json.loads(file.metadata()["unembed"])
        ours = {int(name.removeprefix("J.")): file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    for layer, J in published["J"].items():
        assert J.dtype == torch.float16
        assert torch.equal(J, ours[layer])
        assert torch.equal(J, lens.J[layer].half())
    assert (header["n_prompts"], header["source_layers"], header["d_model"]) == (5, [0, 1], D)
    assert header["stability"] == published["metadata"]["stability"]
    for key, value in {
        "model": "tiny-llama", "text": "words.txt", "capture_point": "block_output",
        "dtype": "float32",
    }.items():  # fmt: skip
        assert header[key] == published["metadata"][key] == value
    assert {path.name for path in tmp_path.iterdir()} == {"lens.safetensors", "lens.pt"}


class Stopped(BaseException):
    pass


@pytest.mark.parametrize("at", [0, 1, 3])
@pytest.mark.parametrize("kept_every", [0, 1e9])
def test_what_was_stopped_goes_on_to_the_same_bytes(
    model: Path, text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int,
    kept_every: float,
) -> None:  # fmt: skip
    whole, stopped = tmp_path / "whole.safetensors", tmp_path / "stopped.safetensors"
    fit_lens(model, whole, text=text, settings=SETTINGS)
    monkeypatch.setattr(summing, "_SECONDS", kept_every)

    def stop(step: str, done: int, total: int) -> None:
        if step == "Rows of J" and done > at * D + D // 2:  # in the midst of a prompt
            raise Stopped

    with pytest.raises(Stopped):
        fit_lens(model, stopped, text=text, settings=SETTINGS, progress=stop)
    assert not stopped.exists()
    assert checkpoint_of(stopped).exists() == (at > 0)
    made: list[int] = []

    def watch(step: str, done: int, total: int) -> None:
        if step == "Rows of J":
            made.append(done)

    fit_lens(model, stopped, text=text, settings=SETTINGS, progress=watch)
    assert min(made) > at * D  # what was kept is not made again
    assert stopped.read_bytes() == whole.read_bytes()
    assert not checkpoint_of(stopped).exists()


@pytest.fixture
def left(model: Path, text: Path, tmp_path: Path) -> Path:
    """What a fit left that was stopped after two prompts."""
    out = tmp_path / "lens.pt"

    def stop(step: str, done: int, total: int) -> None:
        if step == "Rows of J" and done > 2 * D:
            raise Stopped

    with pytest.raises(Stopped):
        fit_lens(model, out, text=text, settings=SETTINGS, progress=stop)
    return out


@pytest.mark.parametrize(
    "other", [{"prompts": 4}, {"skip": 2}, {"layers": (1,)}, {"dtype": "bfloat16"}]
)
def test_another_fit_does_not_go_on_from_it(
    left: Path, model: Path, text: Path, other: dict[str, Any]
) -> None:
    settings = FitSettings(**{**vars(SETTINGS), **other})
    with pytest.raises(UnembedError, match=r"left that was stopped, and it .* --overwrite"):
        fit_lens(model, left, text=text, settings=settings)
    assert checkpoint_of(left).exists()
    lens = fit_lens(model, left, text=text, settings=settings, overwrite=True)
    assert torch.equal(torch.load(left, weights_only=True)["J"][1], lens.J[1].half())
    assert lens.n_prompts == settings.prompts
    assert not checkpoint_of(left).exists()


def test_overwriting_goes_on_too(left: Path, model: Path, text: Path, tmp_path: Path) -> None:
    """The same command goes on, also where it had --overwrite."""
    made: list[int] = []

    def watch(step: str, done: int, total: int) -> None:
        if step == "Rows of J":
            made.append(done)

    fit_lens(model, left, text=text, settings=SETTINGS, overwrite=True, progress=watch)
    assert min(made) > 2 * D


def test_another_model_of_the_same_shape_does_not_either(
    left: Path, text: Path, tmp_path: Path
) -> None:
    other = tiny_folder(tmp_path / "other", seed=9)
    with pytest.raises(UnembedError, match="of another model, text or setting"):
        fit_lens(other, left, text=text, settings=SETTINGS)


def test_what_is_damaged_is_said_to_be(left: Path, model: Path, text: Path) -> None:
    checkpoint = checkpoint_of(left)
    checkpoint.write_bytes(checkpoint.read_bytes()[:-20])
    with pytest.raises(UnembedError, match="it cannot be read"):
        fit_lens(model, left, text=text, settings=SETTINGS)


def test_the_model_writes_its_own_text(model: Path, tmp_path: Path) -> None:
    def fitted(name: str, prompts: int, seed: int) -> Any:
        settings = FitSettings(prompts=prompts, tokens=12, skip=3, seed=seed, device="cpu")
        return fit_lens(model, tmp_path / f"{name}.pt", settings=settings)

    one, again, other = fitted("one", 2, 0), fitted("again", 2, 0), fitted("other", 2, 1)
    assert torch.equal(one.J[0], again.J[0])
    assert not torch.equal(one.J[0], other.J[0])
    assert one.metadata["text"] == "sampled from the model itself at temperature 1, seed 0"


@pytest.mark.parametrize(
    "surroundings",
    [
        torch.inference_mode, torch.no_grad, lambda: torch.device("meta"),
        lambda: torch.autocast("cpu", torch.bfloat16),
    ],
)  # fmt: skip
def test_a_fit_does_not_depend_on_what_is_set(
    model: Path, text: Path, tmp_path: Path, surroundings: Any
) -> None:
    plain = fit_lens(model, tmp_path / "plain.safetensors", text=text, settings=SETTINGS)
    with surroundings():
        fit_lens(model, tmp_path / "other.safetensors", text=text, settings=SETTINGS)
    assert plain.paths[0].read_bytes() == (tmp_path / "other.safetensors").read_bytes()


def test_one_prompt_has_no_stability(model: Path, text: Path, tmp_path: Path) -> None:
    settings = FitSettings(prompts=1, tokens=12, skip=3, layers=(-1, 2), device="cpu")
    lens = fit_lens(model, tmp_path / "lens.safetensors", text=text, settings=settings)
    assert lens.stability == {}
    assert torch.equal(lens.J[2], torch.eye(D))


def test_neurons_that_are_not_known_leave_random_directions(text: Path, tmp_path: Path) -> None:
    folder = tiny_folder(tmp_path / "mamba", "mamba")
    lens = fit_lens(folder, tmp_path / "lens.pt", text=text, settings=SETTINGS)
    assert {each.directions for each in lens.stability.values()} == {"random"}
    assert all(0 < each.top10 <= 1 for each in lens.stability.values() if each.top10 is not None)


def test_a_model_that_is_not_whole_is_refused(model: Path, text: Path, tmp_path: Path) -> None:
    """transformers would draw at random what is missing, and the lens would be of that."""
    from safetensors.torch import load_file, save_file

    folder = tiny_folder(tmp_path / "partial")
    weights = load_file(folder / "model.safetensors")
    del weights["model.layers.1.mlp.up_proj.weight"]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(FormatError, match=r"not the whole model: 1 of its tensors .*up_proj"):
        fit_lens(folder, tmp_path / "lens.pt", text=text, settings=SETTINGS)


@pytest.mark.parametrize(
    ("out", "text_of", "settings", "said"),
    [
        ("lens.bin", None, {}, r"ends in \.safetensors or \.pt"),
        ("lens.pt", None, {"layers": (3,)}, "no layer 3: the model has blocks 0 to 2"),
        ("lens.pt", None, {"prompts": 50}, r"text for 16 prompts of 12 tokens, not for 50"),
        ("lens.pt", "none.txt", {}, "none.txt cannot be read"),
        ("lens.pt", "bad.jsonl", {}, "line 2 is no document"),
    ],
)
def test_what_cannot_be_is_refused(
    model: Path, text: Path, tmp_path: Path, out: str, text_of: str | None,
    settings: dict[str, Any], said: str,
) -> None:  # fmt: skip
    (tmp_path / "bad.jsonl").write_text('"w1 w2"\n{"content": "w3"}\n')
    given = text if text_of is None else tmp_path / text_of
    with pytest.raises(UnembedError, match=said):
        fit_lens(model, tmp_path / out, text=given, settings=FitSettings(
            **{**vars(SETTINGS), **settings}
        ))  # fmt: skip
    assert [each.name for each in tmp_path.iterdir()] == ["bad.jsonl"]


def test_prompts_longer_than_the_model_takes_are_refused(text: Path, tmp_path: Path) -> None:
    folder = tiny_folder(tmp_path / "gpt2", "gpt2", n_positions=8)
    with pytest.raises(UnembedError, match="takes up to 8 tokens"):
        fit_lens(folder, tmp_path / "lens.pt", text=text, settings=SETTINGS)


def test_what_is_not_finite_is_said_at_once(
    model: Path, text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = summing.prompt_jacobians

    def spoilt(blocks: Any, ids: torch.Tensor, *given: Any, **how: Any) -> Any:
        found = make(blocks, ids, *given, **how)
        if torch.equal(ids, prompts_by_hand(text)[2]):
            found[1][3, 4] = torch.nan
        return found

    monkeypatch.setattr(summing, "prompt_jacobians", spoilt)
    with pytest.raises(WeightError, match="of prompt 2 has NaN or infinite values at layer 1"):
        fit_lens(model, tmp_path / "lens.pt", text=text, settings=SETTINGS)
    assert [each.name for each in tmp_path.iterdir()] == ["lens.pt.partial"]  # of two prompts


def test_a_file_that_is_there_stays(model: Path, text: Path, tmp_path: Path) -> None:
    out = tmp_path / "lens.pt"
    out.write_bytes(b"mine")
    with pytest.raises(UnembedError, match="is there already"):
        fit_lens(model, out, text=text, settings=SETTINGS)
    assert out.read_bytes() == b"mine"


def test_a_folder_without_a_model_is_refused(text: Path, tmp_path: Path) -> None:
    with pytest.raises((FormatError, SourceError)):
        fit_lens(tmp_path, tmp_path / "lens.pt", text=text, settings=SETTINGS)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"dtype": "int8"}, "no dtype"),
        ({"tokens": 17, "skip": 16}, "no position is left"),
        ({"prompts": 0}, "one prompt or more"),
        ({"batch": 0}, "One row"),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(UnembedError, match=said):
        FitSettings(**settings)

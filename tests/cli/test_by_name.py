"""`unembed run` of published SAEs by name, from a stand-in hub; then with the hub gone."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.load.fake_hub import FakeHub, point_at
from tests.load.published_hub import fill, repositories
from tests.load.published_layouts import TINY, by_name, lay
from unembed import Run
from unembed.cli import main

ATTENTION = "gemma-scope-2b-pt-att-canonical/layer_3/width_16k/canonical"
RESIDUAL = "gpt2-small-res-jb/blocks.8.hook_resid_pre"
CROSS_LAYER = "mntss-gemma-2-2b-2.5m-clt-as-per-layer/layer_23"

Command = Callable[..., str]


@pytest.fixture(scope="module")
def hub() -> Iterator[FakeHub]:
    entries = [by_name()[name] for name in (ATTENTION, RESIDUAL, CROSS_LAYER)]
    with FakeHub() as fake:
        fill(fake, repositories(TINY, tuple(entries)))
        yield fake


@pytest.fixture
def command(
    hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Command:  # fmt: skip
    point_at(hub.endpoint, tmp_path / "cache", monkeypatch)
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, fails: bool = False) -> str:
        monkeypatch.setattr(sys, "argv", ["unembed", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        assert bool(ended.value.code) is fails, printed.err
        return printed.err if fails else printed.out

    return run


def analysed(command: Command, *inputs: str) -> dict[str, object]:
    """The only bank of a run without token sets, as its manifest has it."""
    command("run", *inputs, "--sets", "none", "-o", "run")
    return asdict(Run.open(Path("run")).manifest.banks[0])


def test_the_release_says_model_hook_and_page(command: Command) -> None:
    bank = analysed(command, RESIDUAL)
    assert bank["name"] == "sae.8"
    assert bank["hook"] == "blocks.8.hook_resid_pre"
    assert bank["neuronpedia"] == "gpt2-small/8-res-jb"
    assert bank["origin"]["published"] == RESIDUAL
    assert bank["origin"]["trained_on"] == "gpt2-small"
    assert Run.open(Path("run")).manifest.unembedding.preparation["origin"]["repo"] == "gpt2"


@pytest.mark.parametrize(
    "inputs",
    [
        ("gpt2-small", RESIDUAL),
        ("--model", "gpt2-small", RESIDUAL),
        ("gpt2-small/8-res-jb",),
        ("https://www.neuronpedia.org/gpt2-small/8-res-jb/7",),
        (f"res=sae_lens:{RESIDUAL}",),
        ("hf:jbloom/GPT2-Small-SAEs-Reformatted/blocks.8.hook_resid_pre",),
    ],
)
def test_all_its_names_are_the_same_directions(command: Command, inputs: tuple[str, ...]) -> None:
    bank = analysed(command, *inputs)
    by_release = analysed_elsewhere(command)
    assert bank["sha256"] == by_release["sha256"]
    assert bank["hook"] == by_release["hook"]


def analysed_elsewhere(command: Command) -> dict[str, object]:
    command("run", RESIDUAL, "--sets", "none", "-o", "other")
    return asdict(Run.open(Path("other")).manifest.banks[0])


def test_through_the_models_matrices_and_without_the_hub(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank = analysed(command, ATTENTION)
    assert bank["origin"]["steps"] == [
        "@ W_O of layer 3", "⊙ (1 + model.layers.3.post_attention_layernorm.weight)"
    ]  # fmt: skip
    with FakeHub() as gone:
        point_at(gone.endpoint, tmp_path / "cache", monkeypatch)
    shown = json.loads(command("show", "run", "sae.3/5", "--json"))
    assert shown["steps"] == bank["origin"]["steps"]
    drawn = command("show", "run", "sae.3/5")
    assert "as it reaches the residual stream: W_dec @ W_O of layer 3 ⊙ (1 +" in " ".join(
        drawn.split()
    )
    found = json.loads(command("find", "run", "--like", "sae.3/5", "--json"))
    assert len(found) > 0
    token = Run.open(Path("run")).tokens.filter(masked=False)["id"][0]
    assert json.loads(command("find", "run", "--token-id", str(token), "--json"))


def test_a_cross_layer_transcoder_is_one_bank_a_layer(command: Command) -> None:
    command("run", CROSS_LAYER, "--sets", "none", "-o", "run")
    run = Run.open(Path("run"))
    assert run.banks == ["clt.23→23", "clt.23→24", "clt.23→25"]
    assert [bank.layer for bank in run.manifest.banks] == [23, 24, 25]
    assert json.loads(command("show", "run", "clt.23->24/3", "--json"))["feature"] == "clt.23→24/3"
    one = json.loads(command("find", "run", "--like", "clt.23->24/3", "--json"))
    assert one


def test_a_sum_is_had_on_request(command: Command) -> None:
    bank = analysed(command, f"{CROSS_LAYER}:sum")
    assert bank["name"] == "clt.23→sum"
    expected = sum(each.W_dec for each in lay(by_name()[CROSS_LAYER]).banks())
    command("run", f"{CROSS_LAYER}:24", "--sets", "none", "-o", "one")
    assert Run.open(Path("one")).banks == ["clt.23→24"]
    norms = Run.open(Path("run")).features["norm"].to_numpy()
    assert norms == pytest.approx((expected**2).sum(1) ** 0.5, rel=1e-5)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ((RESIDUAL, ATTENTION), "several models: gpt2, google/gemma-2-2b"),
        (("gpt2-small-res-jb",), "holds 13 SAEs"),
        (("gpt2-small-res-jb/blocks.88.hook_resid_pre",), "Did you mean"),
        (("gpt2-small-rse-jb/blocks.8.hook_resid_pre",), "Did you mean 'gpt2-small-res-jb'"),
        (("gpt2-small/8-res-jbb",), "Did you mean 'gpt2-small/8-res-jb'"),
        ((f"{RESIDUAL}:sum",), "has no part 'sum'"),
        ((f"{CROSS_LAYER}:7",), "Its parts: 23→23, 23→24, 23→25, 23→sum"),
        ((RESIDUAL, "--hook", "blocks.8.attn.hook_z"), "not to blocks.8.attn.hook_z"),
    ],
)
def test_mistakes(command: Command, inputs: tuple[str, ...], message: str) -> None:
    said = command("run", *inputs, "--sets", "none", "-o", "run", fails=True)
    assert message in " ".join(said.split())
    assert not Path("run").exists()


@pytest.mark.slow
def test_the_list_as_json(command: Command) -> None:
    found = json.loads(command("saes", "8-res-jb", "--model", "gpt2-small", "--json"))
    assert [each["name"] for each in found] == [RESIDUAL]
    assert "gpt2-small-res-jb" in command("saes", "--model", "gpt2-small")
    assert RESIDUAL in command("saes", "8-res-jb")
    assert command("saes", "8-res-jb", "--csv").startswith("name,model,hook")
    assert "Did you mean 'gpt2-small-res-jb'" in command("saes", "gpt2-small-rse-jb")
    assert "No published SAE is of a model" in command("saes", "--model", "gpt9", fails=True)

"""What is called in a case, by the name of its kind: each returns a value or raises.

They run in the folder that the case's files were laid into, by their user's own doors: what a
notebook or the command line would call.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

import numpy as np
import torch

import unembed
from tests.load import published_layouts
from unembed import questions
from unembed.load import layer_for, load_features, load_lens, load_model, load_vocabulary
from unembed.load.neuronpedia import KINDS, FromFiles, Gathered
from unembed.load.neuronpedia.records import Whose
from unembed.unembedding import Unembedding

if TYPE_CHECKING:
    from starlette.testclient import TestClient

Options = dict[str, Any]


class Made(NamedTuple):
    """A run, and what it was made of."""

    unembedding: Unembedding
    banks: list[unembed.Features]
    run: unembed.Run


def make_run(folder: Path) -> Made:
    """Return a run of two small banks with token sets and classes, as `run` below a folder."""
    from tests.fuzz.seeds import model_files

    for path, content in model_files("gpt2-small").items():
        (folder / path).write_bytes(content)
    unembedding = unembed.load_unembedding(folder)
    random = torch.Generator().manual_seed(0)
    banks = [
        unembed.Features.from_array(torch.randn(9, 8, generator=random), name=name, layer=layer)
        for name, layer in (("a", 0), ("b", 1))
    ]
    ids = {"some": [1, 2, 3], "many": range(60, 90), "none": []}
    sets = unembed.TokenSets.from_ids(ids, unembedding.vocabulary, family="few")
    few = unembed.EnrichmentSettings(directions=100, max_q=1.0)
    run = unembed.analyze(unembedding, banks, folder / "run", token_sets=sets, enrichment=few)
    unembed.weights_of(run, unembedding=unembedding, banks=banks)
    return Made(unembedding, banks, run)


class Lab:
    """What readers need beside a case's files: made once, where no case can change it.

    Args:
        folder: for its files.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def made(self) -> Made:
        """A model and a run of it."""
        self.folder.mkdir(exist_ok=True)
        return make_run(self.folder)

    def model(self, name: str) -> Path:
        """Return the folder of a tiny model under the name of a real one."""
        folder = self.folder / name.replace("/", "--")
        if not folder.is_dir():
            folder.mkdir(parents=True)
            for path, make in published_layouts.model_files(name).items():
                (folder / path).write_bytes(make() if callable(make) else make)
        return folder

    @cached_property
    def client(self) -> TestClient:
        """The explorer of that run, as a browser would ask it."""
        from starlette.testclient import TestClient

        from unembed.explorer.app import create_app

        app = create_app(self.made.run)
        return TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False)


def models(lab: Lab, folder: Path, options: Options) -> None:
    """Everything that is read of a model."""
    model = load_model(folder)
    model.unembedding()
    unembed.load_unembedding(model)
    for part in options["parts"]:
        load_features(part, model=model)


def vocabularies(lab: Lab, folder: Path, options: Options) -> None:
    """A tokenizer's folder."""
    vocabulary = load_vocabulary(folder)
    _ = vocabulary.texts, vocabulary.masked


def ggufs(lab: Lab, folder: Path, options: Options) -> None:
    """A GGUF file as a model."""
    model = load_model(folder / "m.gguf")
    unembed.load_unembedding(model)
    load_features("mlp:0", model=model)


def reads(lab: Lab, folder: Path, options: Options) -> None:
    """What an MLP of a model reads, through its norm, and what tokens are on their way there."""
    model = load_model(folder / options["path"])
    raw = model.embedding()
    raw.W_E.read(0, 1)
    layer, expert = options["layer"], options["expert"]
    matrices, norm = model.mlp_in(layer, expert), model.before_mlp(layer, expert)
    norm.read_by(matrices.up)


def dictionaries(lab: Lab, folder: Path, options: Options) -> None:
    """A published dictionary's folder or file."""
    path = folder / options["path"]
    model = options["model"] and lab.model(options["model"])
    try:
        load_features(path, model=model)
    except unembed.UnembedError as error:
        if options["hook"] is None or "hook" not in str(error):
            raise
        load_features(path, model=model, hook=options["hook"])


def matrices(lab: Lab, folder: Path, options: Options) -> None:
    """A file of directions."""
    (path,) = (each for each in folder.iterdir() if each.name.startswith("m."))
    load_features(path)


def lenses(lab: Lab, folder: Path, options: Options) -> None:
    """A folder of a lens: its matrices, and which of them a few hooks are seen through."""
    lens = load_lens(folder)
    for layer in lens.layers[:4]:
        lens.matrix(layer)
    for hook in ("blocks.1.hook_resid_pre", "blocks.0.hook_mlp_out"):
        layer_for(hook, lens)


def graphs(lab: Lab, folder: Path, options: Options) -> None:
    """An attribution graph, labelled, and the files of its features."""
    run, out = lab.made.run, folder / "out.json"
    found = questions.circuits.annotate(folder / "graph.json", run, out, bank=["0=a", "1=b"])
    assert json.loads(out.read_bytes().decode("utf-8-sig"))["nodes"] or not found.nodes
    placing = questions.circuits.place_banks(run, chosen=["0=a", "1=b"])
    only = questions.circuits.features_of(questions.circuits.read_graph(folder / "graph.json"))
    for _ in questions.circuits.feature_files(run, placing, only=only):
        pass


def token_sets(lab: Lab, folder: Path, options: Options) -> None:
    """A file of token sets, resolved for a vocabulary, and what is said of each."""
    (path,) = folder.glob("mine.*")
    found = unembed.build_token_sets(lab.made.unembedding.vocabulary, path, cache=False)
    for name in found.names:
        found.info(name)


def exports(lab: Lab, folder: Path, options: Options) -> None:
    """A file of what Neuronpedia says of features, or of a dashboard."""
    (path,) = folder.glob("batch-0.*")
    found = Gathered(range(9), 2)
    FromFiles([path]).gather(found, Whose("tiny/3-a", 3), KINDS, lambda done, total: None)
    found.tables()


def manifests(lab: Lab, folder: Path, options: Options) -> None:
    """A run from somebody else: opened, listed, found in, explained, shown."""
    run = unembed.Run.open(folder)
    _ = run.features.height, run.scalars.height, run.model, run.tokens
    first = f"{run.banks[0]}/{run.scalars['index'][0]}"
    if options["ask"] == "opened":
        run.feature(first)
        run.explain(first)
        unembed.find(run, where="kurtosis > 0")
    elif options["ask"] == "pairs":
        run.enrichment(first)
        unembed.find(run, token_set="some")
    else:
        questions.overview(run)
        questions.layers(run)


tables = manifests


def asked(lab: Lab, folder: Path, options: Options) -> None:
    """A question as it is typed."""
    text = (folder / "text").read_bytes().decode("utf-8", "surrogateescape")
    run = lab.made.run
    doors: dict[str, Callable[[str], Any]] = {
        "feature": run.feature,
        "where": lambda text: unembed.find(run, where=text),
        "set": lambda text: unembed.find(run, token_set=text),
        "token": lambda text: unembed.find(run, token=text),
        "like": lambda text: unembed.find(run, like=text),
        "sort": lambda text: questions.list_features(run, sort=text),
        "bank": lambda text: questions.list_features(run, bank=text),
        "edge": lambda text: run.leading_edge("a/1", text),
    }
    doors[options["ask"]](text)


def requests(lab: Lab, folder: Path, options: Options) -> None:
    """A request to the explorer: no answer may be a fault of the server's.

    Raises:
        AssertionError: where one is.
    """
    lines = (folder / "request").read_bytes().decode("utf-8", "replace").split("\n")
    method, _, path = lines[0].partition(" ")
    headers = {
        name.strip().encode("ascii", "ignore") or b"x": value.strip().encode("latin-1", "ignore")
        for name, _, value in (line.partition(":") for line in lines[1:51])
    }
    path = "/" + quote(path[:4000].lstrip("/"), safe="/%?&=:@!$'()*+,;~")
    verb = "".join(each for each in method if each.isascii() and each.isalpha())[:20] or "GET"
    answer = lab.client.request(verb, path, headers=headers, follow_redirects=False)
    if answer.status_code >= 500:
        raise AssertionError(f"{answer.status_code}: {answer.text[:300]}")


def references(lab: Lab, folder: Path, options: Options) -> None:
    """A reference as it is typed, in a folder that has a model and a few matrices."""
    text = (folder / "text").read_bytes().decode("utf-8", "surrogateescape")
    saes = folder / "saes"
    saes.mkdir()
    for name in ("x", "m0", "m1", "m2"):
        np.save(saes / f"{name}.npy", np.eye(3, 8, dtype=np.float32))
    if options["of"] == "model":
        load_model(text)
    else:
        _ = lab.made
        load_features(text, model=lab.folder)


def arrays(lab: Lab, folder: Path, options: Options) -> None:
    """Arrays of a caller's own, all the way to a table of statistics."""
    try:
        told = json.loads((folder / "array.json").read_bytes())
        W_dec = _array(told)
    except (
        TypeError, ValueError, LookupError, ArithmeticError, RuntimeError, MemoryError, SyntaxError
    ):  # fmt: skip
        return  # no such array can be made: there is nothing to read
    if W_dec.size > 1e6 if isinstance(W_dec, np.ndarray) else W_dec.numel() > 1e6:
        return
    details = {
        key: told[key] for key in ("layer", "hook", "neuronpedia", "log10_density") if key in told
    }
    bank = unembed.Features.from_array(
        W_dec, name=told.get("name", "x"), indices=told.get("indices"), **details
    )
    unembedding = lab.made.unembedding
    if bank.d_model == unembedding.d_model:
        unembed.Sweep(unembedding).read(bank.W_dec)


def _array(told: dict[str, Any]) -> Any:
    """Return the array that is described."""
    random = np.random.default_rng(0)
    drawn = random.standard_normal(tuple(told["shape"]))
    with np.errstate(all="ignore"):
        array = (drawn * told["scale"]).astype(told["dtype"])
    layout = told["layout"]
    if told["kind"] == "numpy":
        return {
            "negative": array[::-1, ::-1] if array.ndim == 2 else array[::-1],
            "masked": np.ma.masked_array(array, array > 0),
            "columns": np.asfortranarray(array),
        }.get(layout, array)
    tensor = torch.from_numpy(array)
    return {
        "sparse": lambda: tensor.to_sparse(),
        "meta": lambda: tensor.to("meta"),
        "negative": lambda: tensor.T.contiguous().T,
    }.get(layout, lambda: tensor)()


Reader = Callable[[Lab, Path, Options], None]
READERS: dict[str, Reader] = {
    "models": models, "vocabularies": vocabularies, "ggufs": ggufs, "reads": reads,
    "dictionaries": dictionaries, "matrices": matrices, "lenses": lenses, "graphs": graphs,
    "token_sets": token_sets, "manifests": manifests, "tables": tables, "questions": asked,
    "requests": requests, "references": references, "arrays": arrays, "exports": exports,
}  # fmt: skip

"""The public face: what is exported is meant to be, is there, and says what it is."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

import unembed

SOURCE = Path(unembed.__file__).parent
DOCUMENTS = Path(__file__).parents[1]

EXPORTED = [
    "CheckPlan", "CheckSettings", "Comparison", "Contrast", "DiscoverSettings",
    "EnrichmentSettings", "ExplanationSettings", "Features", "FinalNorm", "FitSettings",
    "LayerLens", "Remaining", "Run", "SecondMoment", "Share", "SteerSettings", "Sweep",
    "SweepSettings", "TokenSets", "UnembedError", "Unembedding", "Vocabulary", "__version__",
    "analyze", "analyze_random", "analyze_share", "build_token_sets", "check_lenses", "check_run",
    "compare_banks", "dictionaries", "direction_test", "discover", "discovered_sets",
    "fetch_neuronpedia", "find", "fit_lens", "flat", "follow", "interpretability_by_bank",
    "leading_edge", "list_saes", "load_features", "load_lens", "load_model", "load_unembedding",
    "load_vocabulary", "match_banks", "merge_token_sets", "neuronpedia", "notebook", "plots",
    "prepare_unembedding", "publish_run", "read_and_written", "sides_by_bank", "steer",
    "through_lenses", "weights_of", "write_control_vector",
]  # fmt: skip
"""Who adds a name here, or takes one away, changes what others' programs may rely on."""

METHODS = [
    "addresses_of", "banks", "banks_named", "check", "collisions", "discoveries",
    "enrichment", "explain", "explanations",
    "explore", "feature", "features", "has_enrichment", "is_explained", "leading_edge",
    "logit_weights", "model", "name", "open", "outermost", "place", "place_of",
    "published_collision", "require_sets", "row",
    "row_of", "rows",
    "running_sum", "scalars", "scores", "scores_of_set", "sets", "significant", "steering",
    "tested",
    "tested_sets", "token_sets", "token_texts", "tokens",
]  # fmt: skip
"""What a `Run` has, likewise."""

STUBS = {
    ".".join(["unembed", *path.parent.relative_to(SOURCE).parts]): path
    for path in sorted(SOURCE.rglob("__init__.pyi"))
}


def test_what_is_exported() -> None:
    assert sorted(unembed.__all__) == sorted(EXPORTED) == EXPORTED
    assert set(EXPORTED) <= set(dir(unembed))


@pytest.mark.parametrize("name", [name for name in EXPORTED if name != "__version__"])
def test_what_is_exported_says_what_it_is(name: str) -> None:
    exported = getattr(unembed, name)
    assert (exported.__doc__ or "").strip(), f"unembed.{name} has no docstring"
    if isinstance(exported, type):  # and none that a dataclass or its base wrote
        assert not exported.__doc__.startswith(f"{name}("), f"{name} has no docstring of its own"


def test_what_a_run_has() -> None:
    assert [name for name in sorted(dir(unembed.Run)) if not name.startswith("_")] == METHODS
    for name in METHODS:
        assert (getattr(unembed.Run, name).__doc__ or "").strip(), f"Run.{name} has no docstring"


@pytest.mark.parametrize("package", STUBS)
def test_a_package_has_what_its_stub_says(package: str) -> None:
    """Each name is there, under `__all__` and `dir`, and is what the stub imports."""
    module, stub = importlib.import_module(package), STUBS[package]
    tree = ast.parse(stub.read_text(encoding="utf-8"))
    listed = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__"
    ]
    imported = {
        alias.asname or alias.name: (node.module, alias.name)
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert len(listed) == 1, f"{stub} has no __all__"
    assert sorted(listed[0]) == sorted(imported) == sorted(module.__all__)
    assert len(set(listed[0])) == len(listed[0])
    for name, (source, original) in imported.items():
        if source is None:
            assert getattr(module, name) is importlib.import_module(f"{package}.{original}")
        else:
            held = getattr(importlib.import_module(f"{package}.{source}"), original)
            assert getattr(module, name) is held, f"{package}.{name} is another than its stub says"


def test_a_package_opens_by_its_stub() -> None:
    """And imports nothing else of ours when it is opened, but for errors."""
    for stub in STUBS.values():
        package = ast.parse(stub.with_name("__init__.py").read_text(encoding="utf-8"))
        assert "lazy_loader.attach_stub(__name__, __file__)" in ast.unparse(package)
        ours = [
            node.module
            for node in package.body
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("unembed")
        ]
        assert ours in ([], ["unembed.errors"]), stub

"""`unembed.products` is the only way to a product of tensors, in the code and in every job."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np
import polars as pl
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

import unembed
from tests.discovery import test_discover as words
from tests.planted import FEW, planted
from unembed import (
    Contrast,
    DiscoverSettings,
    EnrichmentSettings,
    Features,
    Sweep,
    analyze,
    direction_test,
    discover,
    find,
    follow,
    leading_edge,
    match_banks,
    weights_of,
)
from unembed.explorer.contents import Contents
from unembed.products import Precision, product
from unembed.sweep import Membership, accelerator, cpu
from unembed.sweep.tsea import accelerator as tsea_accelerator

PACKAGE = Path(unembed.__file__).parent

PRODUCTS = {
    *("mm", "matmul", "bmm", "mv", "dot", "vdot", "inner", "vecdot", "einsum", "tensordot"),
    *("addmm", "addmv", "addbmm", "baddbmm", "sspaddmm", "hspmm", "smm", "dsmm", "spmm"),
    *("multi_dot", "chain_matmul", "matrix_power", "matrix_exp", "cov", "corrcoef", "cdist"),
    *("linear", "bilinear", "Linear", "Bilinear", "scaled_dot_product_attention", "conv1d"),
    *("conv2d", "conv3d", "Conv1d", "Conv2d", "Conv3d", "svd_lowrank", "pca_lowrank", "lobpcg"),
    *("__matmul__", "__rmatmul__", "__imatmul__", "_scaled_mm", "_addmm_activation"),
}
"""Names of torch's products, `_` at their end left out. Those of `np.` are NumPy's."""

HARMLESS = {"torch.linalg": {"vector_norm"}, "torch.nn.functional": {"normalize"}}
"""Of these modules all else may multiply, so that none of it is used."""

OWN = {"set_float32_matmul_precision", "get_float32_matmul_precision", "allow_tf32"}
OWN |= {"fp32_precision", "autocast"}
"""What `products` alone reads and sets."""

NOT_OF_TENSORS = {
    "discovery/features.py": {"member @ member.T"},  # scipy.sparse
    "discovery/naming.py": {"mine @ theirs.T"},  # scipy.sparse
    "store/columns.py": {"found.inner", "wanted.inner"},  # what lists of polars hold
}
"""Products of arrays, written with `@`: whoever adds one has looked that it is none of tensors."""


def other_ways(source: str, arrays: Iterable[str] = ()) -> Iterator[tuple[int, str]]:
    """Yield line and text of whatever could make a product of tensors, or loosen one.

    Args:
        source: of a module.
        arrays: what is written with `@` in it that is none of tensors.
    """
    for node in ast.walk(ast.parse(source)):
        if _is_other_way(node) and (text := ast.unparse(node)) not in arrays:
            yield node.lineno, text


def _is_other_way(node: ast.AST) -> TypeGuard[ast.expr | ast.stmt]:
    if isinstance(node, ast.BinOp | ast.AugAssign):
        return isinstance(node.op, ast.MatMult)
    if isinstance(node, ast.Attribute):
        module = ast.unparse(node.value)
        if module == "np" or module.startswith("np."):
            return False
        return _multiplies(node.attr) or _unknown(module, node.attr)
    if isinstance(node, ast.ImportFrom):
        names = [alias.name for alias in node.names]
        return any(_multiplies(name) or _unknown(node.module, name) for name in names)
    if isinstance(node, ast.Call) and ast.unparse(node.func) in ("getattr", "methodcaller"):
        return any(isinstance(each, ast.Constant) and _multiplies(each.value) for each in node.args)
    return False


def _multiplies(name: object) -> bool:
    return isinstance(name, str) and not {name, name.rstrip("_")}.isdisjoint(PRODUCTS | OWN)


def _unknown(module: str | None, name: str) -> bool:
    return module in HARMLESS and name not in HARMLESS[module]


def test_no_module_makes_a_product_otherwise() -> None:
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        module = path.relative_to(PACKAGE).as_posix()
        if module != "products.py":
            ways = other_ways(path.read_text(encoding="utf-8"), NOT_OF_TENSORS.get(module, ()))
            found += [f"{module}:{line}: {text}" for line, text in ways]
    assert not found, (
        "Products of tensors go through unembed.products, or what a caller allows torch changes "
        "results; products of arrays are np.matmul(a, b), or named in NOT_OF_TENSORS:\n"
        + "\n".join(found)
    )


def test_what_is_said_to_be_of_arrays_is_there() -> None:
    for module, expressions in NOT_OF_TENSORS.items():
        tree = ast.parse((PACKAGE / module).read_text(encoding="utf-8"))
        expressions_of = (ast.BinOp, ast.Attribute)
        there = {ast.unparse(each) for each in ast.walk(tree) if isinstance(each, expressions_of)}
        assert expressions <= there, module


@pytest.mark.parametrize(
    "source",
    [
        "a @ b", "a @= b", "a.mm(b)", "torch.mm(a, b)", "torch.mm", "a.addmm_(b, c)", "a.T.dot(b)",
        "torch.einsum('ij,jk', a, b)", "torch.linalg.multi_dot([a, b])", "torch.linalg.inv(a)",
        "from torch import matmul", "from torch import matmul as harmless", "getattr(a, 'mm')(b)",
        "from torch.linalg import inv", "from operator import matmul", "torch.cdist(a, b)",
        "torch.nn.functional.linear(a, b)", "torch.set_float32_matmul_precision('high')",
        "torch.backends.cuda.matmul.allow_tf32 = True", "functools.partial(torch.Tensor.mv, a)",
    ],
)  # fmt: skip
def test_the_rule_is_not_fooled(source: str) -> None:
    assert [*other_ways(source)]
    assert [*other_ways(f"class A:\n    def f(self, a, b):\n        {source}")]


@pytest.mark.parametrize("source", ["np.einsum('ij', a)", "a * b", "np.linalg.norm(a)", "product"])
def test_the_rule_lets_arrays_be(source: str) -> None:
    assert not [*other_ways(source)]


ATEN = {
    *("mm", "bmm", "mv", "dot", "vdot", "addmm", "addmm_", "addmv", "addmv_", "addbmm", "addbmm_"),
    *("baddbmm", "baddbmm_", "linear", "convolution", "_cdist_forward", "linalg_vecdot"),
    *("linalg_matrix_exp", "_addmm_activation", "_scaled_mm", "_sparse_mm", "sspaddmm"),
}


def _here(jobs: Iterable[Callable[[], object]], threads: int) -> None:
    with torch.autocast("cpu", enabled=False):  # as no worker has it
        for job in jobs:
            job()


class Products(TorchDispatchMode):
    """Counts the products that are made, and keeps those made in less than full precision."""

    def __init__(self) -> None:
        super().__init__()
        self.made = 0
        self.loose: list[str] = []

    def __enter__(self) -> Products:
        """Have products made here, where they are seen, and not by workers, where they are not."""
        self._patch = pytest.MonkeyPatch()
        self._patch.setattr("unembed.products.on_threads", _here)
        super().__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        self._patch.undo()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> object:
        name = func.overloadpacket.__name__
        if name in ATEN:
            self.made += 1
            dtypes = {each.dtype for each in args if isinstance(each, torch.Tensor)}
            if not Precision.now().is_strict or not dtypes <= {torch.float32, torch.float64}:
                self.loose.append(f"{name} of {dtypes}")
        return func(*args, **(kwargs or {}))


def asked_of_a_run(folder: Path) -> Iterator[Any]:
    unembedding, banks, sets = planted()
    run = analyze(
        unembedding, banks, folder / "sets", token_sets=sets, null="bank",
        enrichment=EnrichmentSettings(directions=100),
    )  # fmt: skip
    weights_of(run, unembedding=unembedding, banks=banks)
    yield from (run.features, run.enrichment("a/0"), run.explain("a/0"), run.significant)
    yield find(
        run, token_set="girls", contrast=("girls", "names:male"), token=" Paris", like="a/20"
    )
    yield from (run.logit_weights("a/3"), run.running_sum("a/0", "girls"))
    yield run.leading_edge("a/0", "names:female")
    yield from (match_banks(run, "a", "b", directions=100).pairs, follow(run, "a/20"))
    contents = Contents(run)
    yield from (contents.nearest("a", 3), contents.contrast(0, 1), contents.token_weights(4))
    yield from (contents.weights("a", 3), contents.token(4))


def asked_of_weights(folder: Path) -> Iterator[Any]:
    unembedding, banks, sets = planted("cosine")
    run = analyze(
        unembedding, banks[1], folder / "cosine", token_sets=sets, null="identity", enrichment=FEW
    )
    weights_of(run, unembedding=unembedding, banks=banks[1:])
    yield run.features
    yield find(run, contrast=("girls", "names:male"), token=" Paris")
    lengths = {"length": [len(text) for text in unembedding.vocabulary.texts]}
    for tested in (sets, [Contrast(sets, "names:female", "names:male")], lengths):
        yield from direction_test(banks[0], unembedding, tested)
    yield from leading_edge(banks[0], 0, unembedding, sets, "both", weight="magnitude")
    sweep = Sweep(unembedding)
    (tile,) = sweep.tiles(banks[1].W_dec)
    yield from (accelerator.read_tile(tile.z, 5), cpu.read_tile(tile.z.numpy(), 5))
    membership = Membership(unembedding.n_tokens, sets.indptr, sets.ids - 1)
    yield from tsea_accelerator.read_tile(tile.z, membership, "magnitude")


def discovered(folder: Path) -> Iterator[Any]:
    unembedding = words.planted()
    bank = Features.from_array(unembedding.W_U[1:60] * 3, name="rows")
    sets = discover(
        unembedding, bank, known=words.KNOWN, settings=DiscoverSettings(resolutions=(30.0,))
    )
    yield from ([info.name for info in sets.infos], sets.ids)


def plain(value: Any) -> Any:
    """Return an answer as something that `==` compares whole."""
    if isinstance(value, pl.DataFrame):
        return value.to_dict(as_series=False)
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, tuple | list):
        return [plain(each) for each in value]
    return value


@pytest.mark.slow
@pytest.mark.parametrize("job", [asked_of_a_run, asked_of_weights, discovered])
def test_what_a_caller_allows_reaches_no_product(
    job: Callable[[Path], Iterator[Any]], tmp_path: Path
) -> None:
    """The same answers to the last bit; autocast shows what AMX or TF32 would on any processor."""
    expected = [plain(each) for each in job(tmp_path / "strict")]
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        with torch.autocast("cpu", torch.bfloat16), Products() as products:
            found = [plain(each) for each in job(tmp_path / "loose")]
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision(before)
    assert products.made > 3
    assert not products.loose
    assert repr(found) == repr(expected)  # NaN is no more itself in `==`


def test_a_loose_product_is_found() -> None:
    a = torch.eye(4)
    torch.set_float32_matmul_precision("medium")
    try:
        with Products() as products:
            product(a, a), a @ a, a.mv(a[0]), torch.addmm(a, a, a)
    finally:
        torch.set_float32_matmul_precision("highest")
    with torch.autocast("cpu", torch.bfloat16), products:
        a @ a
    assert len(products.loose) == 4
    assert products.made == 5

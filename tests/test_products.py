"""Products in full precision: whatever torch allows, in any thread, and it is left as it was."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch

from unembed import products
from unembed.products import ROWS, Precision, product
from unembed.workers import new_workers, on_one_thread, on_threads, over_rows, threads

CUDA, MKLDNN = torch.backends.cuda, torch.backends.mkldnn
NEW = hasattr(CUDA.matmul, "fp32_precision")


@pytest.fixture(autouse=True)
def _as_it_was(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each test begins and ends with what torch allows when it is imported."""
    _reset()
    yield
    monkeypatch.undo()
    torch.set_float32_matmul_precision("highest")
    _reset()


def _reset() -> None:
    """Let every backend inherit again: once a precision was set, by whomever, it does not."""
    for backend in (torch.backends, MKLDNN, MKLDNN.matmul, CUDA.matmul) if NEW else ():
        backend.fp32_precision = "none"


def legacy(precision: str) -> Callable[[], None]:
    return lambda: torch.set_float32_matmul_precision(precision)


def new(backend: object, precision: str) -> Callable[[], None]:
    return lambda: setattr(backend, "fp32_precision", precision)


WAYS = {
    "nothing": lambda: None,
    "high": legacy("high"),
    "medium": legacy("medium"),
    "allow_tf32": lambda: setattr(CUDA.matmul, "allow_tf32", True),
}
if NEW:  # from torch 2.9 on; with these torch refuses to say get_float32_matmul_precision()
    WAYS |= {
        "every backend": new(torch.backends, "tf32"),
        "every backend, bf16": new(torch.backends, "bf16"),
        "cuda": new(CUDA.matmul, "tf32"),
        "mkldnn": new(MKLDNN.matmul, "bf16"),
        "mkldnn, all it does": new(MKLDNN, "bf16"),
    }


@pytest.fixture
def during(monkeypatch: pytest.MonkeyPatch) -> list[Precision]:
    """What torch allows while each product is made."""
    seen = []
    matmul = torch.matmul

    def seeing(*args: object, **kwargs: object) -> torch.Tensor:
        seen.append(Precision.now())
        return matmul(*args, **kwargs)

    monkeypatch.setattr(torch, "matmul", seeing)
    return seen


@pytest.mark.parametrize("way", WAYS)
def test_strict_inside_and_as_it_was_after(way: str, during: list[Precision]) -> None:
    WAYS[way]()
    before = Precision.now()
    assert before.is_strict == (way == "nothing")
    product(torch.eye(2), torch.eye(2))
    assert during[0].is_strict
    assert Precision.now() == before


@pytest.mark.skipif(not NEW, reason="older torch knows one setting, for every backend")
@pytest.mark.parametrize("way", WAYS)
def test_what_is_inherited_is_inherited_after(way: str) -> None:
    def without_the_general_one() -> Precision:
        torch.backends.fp32_precision = "none"
        return Precision.now()

    WAYS[way]()
    expected = without_the_general_one()
    WAYS[way]()
    product(torch.eye(2), torch.eye(2))
    assert without_the_general_one() == expected


@pytest.mark.parametrize("precision", ["high", "medium"])
def test_with_the_settings_of_older_torch_alone(
    precision: str, during: list[Precision], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(products, "_backends", list)
    torch.set_float32_matmul_precision(precision)
    product(torch.eye(2), torch.eye(2))
    assert during[0].legacy == "highest"
    assert torch.get_float32_matmul_precision() == precision


def test_tf32_on_intels_gpus(during: list[Precision], monkeypatch: pytest.MonkeyPatch) -> None:
    """That is a setting of its own, which torch for other devices does not have."""
    allowed = [True]

    class Here:
        matmul = None

        @property
        def allow_tf32(self) -> bool:
            return allowed[-1]

        @allow_tf32.setter
        def allow_tf32(self, value: bool) -> None:
            allowed.append(value)

    monkeypatch.setattr(torch.backends, "mkldnn", Here())
    product(torch.eye(2), torch.eye(2))
    assert during[0].is_strict
    assert allowed == [True, False, True]


def test_an_error_leaves_it_as_it_was() -> None:
    torch.set_float32_matmul_precision("medium")
    before = Precision.now()
    with pytest.raises(RuntimeError):
        product(torch.eye(2), torch.eye(3))
    assert Precision.now() == before


def test_threads_do_not_undo_one_anothers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first ends while the second is at it, and what was found is put back by the last."""
    torch.set_float32_matmul_precision("medium")
    inside = [threading.Event(), threading.Event()]
    go_on = [threading.Event(), threading.Event()]
    strict = []
    matmul = torch.matmul

    def waiting(a: torch.Tensor, b: torch.Tensor, out: torch.Tensor | None = None) -> torch.Tensor:
        at = int(a[0])
        inside[at].set()
        assert go_on[at].wait(60)
        strict.append(Precision.now().is_strict)
        return matmul(a, b, out=out)

    monkeypatch.setattr(torch, "matmul", waiting)
    threads = [
        threading.Thread(target=product, args=(torch.tensor([at]), torch.ones(1, dtype=int)))
        for at in range(2)
    ]
    for at, thread in enumerate(threads):
        thread.start()
        assert inside[at].wait(60)
    for at, thread in enumerate(threads):
        go_on[at].set()
        thread.join(60)
    assert strict == [True, True]
    assert torch.get_float32_matmul_precision() == "medium"


def test_what_the_program_sets_meanwhile_stands(during: list[Precision]) -> None:
    """It is strict for a product that begins then, and is the program's again in the end."""
    with products._strict:
        torch.set_float32_matmul_precision("medium")
        product(torch.eye(2), torch.eye(2))
        assert during[0].is_strict
        torch.set_float32_matmul_precision("high")
    assert torch.get_float32_matmul_precision() == "high"


@pytest.mark.parametrize("shapes", [((5, 3), (3, 4)), ((5, 3), (3,)), ((3,), (3,))])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_autocast_does_not_reach_it(
    shapes: tuple[tuple[int, ...], ...], dtype: torch.dtype, random: torch.Generator
) -> None:
    a, b = (torch.randn(shape, generator=random, dtype=dtype) for shape in shapes)
    with torch.autocast("cpu", torch.bfloat16):
        found = product(a, b)
    assert found.dtype == dtype
    rtol = {torch.float32: 1e-5, torch.float64: 1e-13}[dtype]
    np.testing.assert_allclose(found, np.matmul(a.numpy(), b.numpy()), rtol=rtol, atol=rtol)


def test_into_a_tensor(random: torch.Generator) -> None:
    a, b = (torch.randn(4, 4, generator=random) for _ in range(2))
    out = torch.empty(4, 4)
    assert product(a, b, out=out).data_ptr() == out.data_ptr()
    np.testing.assert_allclose(out, np.matmul(a.numpy(), b.numpy()), rtol=1e-5, atol=1e-5)


def test_a_worker_has_one_thread_and_others_keep_theirs() -> None:
    before = torch.get_num_threads()
    assert on_one_thread(torch.get_num_threads) == 1
    assert torch.get_num_threads() == before
    seen = []
    other = threading.Thread(target=lambda: seen.append(torch.get_num_threads()))
    other.start()
    other.join(60)
    assert seen == [before]


def test_workers_of_ones_own_do_what_is_small_themselves() -> None:
    """And give what is large to as many as torch would use; others keep their threads."""
    before = torch.get_num_threads()
    done: list[str] = []
    jobs = [lambda: done.append(threading.current_thread().name)]
    with new_workers(1, "own") as own:
        assert own.submit(torch.get_num_threads).result() == 1
        assert own.submit(threads).result() == before
        for count in (1, 2):
            own.submit(on_threads, jobs, count).result()
    assert [name.split("_")[0] for name in done] == ["own", "unembed"]
    assert threads() == torch.get_num_threads() == before


def test_a_worker_of_ones_own_gives_the_same_bits(random: torch.Generator) -> None:
    a = torch.randn(300, 700, generator=random)
    b = torch.randn(700, 1100, generator=random)
    with new_workers(1, "own") as own:
        for left in (a[:1], a):  # one that is made at once, and one that is spread
            assert torch.equal(own.submit(product, left, b).result(), product(left, b))


def test_rows_in_parts_give_the_same_bits(random: torch.Generator) -> None:
    """So do operands that lie elsewhere: at another address, or in a wider matrix."""
    a, b = (torch.randn(3 * ROWS + 5, 301, generator=random) for _ in range(2))
    whole = product(a, b.T)
    parts = torch.split(a, ROWS)
    assert torch.equal(torch.cat([product(part, b.T) for part in parts]), whole)
    wider = torch.zeros(len(a), 350)
    wider[:, 7:308] = a
    assert torch.equal(product(wider[:, 7:308], b.T), whole)


def test_inside_inference_mode() -> None:
    with torch.inference_mode():
        assert torch.equal(product(torch.eye(3), torch.eye(3)), torch.eye(3))


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("rows", [0, 1, 7, 8, 1000])
def test_every_row_is_done_once(threads: int, rows: int) -> None:
    done = np.zeros(rows, np.int64)

    def kernel(first: int, stop: int, of: np.ndarray, by: int) -> None:
        of[first:stop] += by

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        over_rows(kernel, rows, 7, done, 3)
    finally:
        torch.set_num_threads(before)
    assert (done == 3).all()

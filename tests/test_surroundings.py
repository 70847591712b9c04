"""Whatever the program around us has set: the same answers, to the last bit.

A notebook sets torch's default device to its GPU, a trainer its default dtype, NumPy's warnings to
errors; a server runs Python with `-O`, which leaves out every `assert`.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import unembed
from tests import test_only_products as jobs
from tests.discovery import test_discover as words
from tests.test_only_products import plain

PACKAGE = Path(unembed.__file__).parent
FACTORIES = {
    *("arange", "as_tensor", "empty", "eye", "full", "linspace", "logspace", "normal", "ones"),
    *("rand", "randint", "randn", "randperm", "scalar_tensor", "tensor", "zeros"),
}
"""What makes a tensor on torch's default device, unless a device is named."""


@contextmanager
def default_dtype() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


@contextmanager
def strict_warnings() -> Iterator[None]:
    with warnings.catch_warnings(), np.errstate(divide="raise", over="raise", invalid="raise"):
        warnings.simplefilter("error")
        yield


SURROUNDINGS: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "default device": lambda: torch.device("meta"),
    "default dtype": default_dtype,
    "inference mode": torch.inference_mode,
    "warnings are errors": strict_warnings,
}


@pytest.mark.slow
@pytest.mark.parametrize("job", [jobs.asked_of_a_run, jobs.asked_of_weights, jobs.discovered])
def test_answers_do_not_depend_on_what_is_set(
    job: Callable[[Path], Iterator[Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (jobs, words):  # what is planted is made once, before anything is set
        monkeypatch.setattr(module, "planted", cache(module.planted))
    expected = repr([plain(each) for each in job(tmp_path / "plain")])
    for name, surroundings in SURROUNDINGS.items():
        with surroundings():
            found = repr([plain(each) for each in job(tmp_path / name)])
        assert found == expected, name


def test_every_new_tensor_names_its_device() -> None:
    unnamed = [
        f"{path.relative_to(PACKAGE).as_posix()}:{node.lineno}: {ast.unparse(node)}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and _is_factory(node.func)
        if "device" not in {keyword.arg for keyword in node.keywords}
    ]
    assert not unnamed, "\n".join(unnamed)


def _is_factory(function: ast.expr) -> bool:
    return (
        isinstance(function, ast.Attribute)
        and ast.unparse(function.value) == "torch"
        and function.attr in FACTORIES
    )


def test_no_assert_does_anything() -> None:
    """`python -O` leaves them out: they may say what is so, for whoever reads, and no more."""
    doing = [
        f"{path.relative_to(PACKAGE).as_posix()}:{node.lineno}: {ast.unparse(node)}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Assert) and not _only_says(node.test)
    ]
    assert not doing, "\n".join(doing)


def _only_says(test: ast.expr) -> bool:
    """Return whether it is `… is not None`, or `isinstance(…)`, of something that is there."""
    if isinstance(test, ast.Compare):
        return isinstance(test.ops[0], ast.IsNot) and not _calls(test)
    return (
        isinstance(test, ast.Call)
        and ast.unparse(test.func) == "isinstance"
        and not any(map(_calls, test.args))
    )


def _calls(expression: ast.expr) -> bool:
    return any(isinstance(node, ast.Call) for node in ast.walk(expression))

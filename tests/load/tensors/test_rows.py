"""Rows read a few at a time, of every container, against the whole that was written."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from unembed.errors import FormatError
from unembed.load.tensors.blob import LocalBlob
from unembed.load.tensors.container import open_tensors
from unembed.outside.row_reader import ROWS_AT_ONCE, RowReader

ROWS = 2 * ROWS_AT_ONCE + 3
W = torch.randn(ROWS, 5, generator=torch.Generator().manual_seed(0)).bfloat16()

Write = Callable[[Path, torch.Tensor], None]


def safetensors(path: Path, matrix: torch.Tensor) -> None:
    save_file({"before": torch.ones(3), "W": matrix}, path)


def torch_zip(path: Path, matrix: torch.Tensor) -> None:
    torch.save({"before": torch.ones(3), "W": matrix}, path)


def torch_legacy(path: Path, matrix: torch.Tensor) -> None:
    torch.save({"before": torch.ones(3), "W": matrix}, path, _use_new_zipfile_serialization=False)


def a_view(path: Path, matrix: torch.Tensor) -> None:
    torch.save({"W": matrix.T.contiguous().T}, path)


def some_of_a_storage(path: Path, matrix: torch.Tensor) -> None:
    torch.save({"W": torch.cat([torch.ones(7, 5).bfloat16(), matrix])[7:]}, path)


def deflated(path: Path, matrix: torch.Tensor) -> None:
    torch_zip(path.with_suffix(".whole"), matrix)
    with (
        zipfile.ZipFile(path.with_suffix(".whole")) as whole,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file,
    ):
        for name in whole.namelist():
            file.writestr(name, whole.read(name))


def npz(path: Path, matrix: torch.Tensor) -> None:
    with path.open("wb") as file:
        np.savez(file, W=matrix.float().numpy())


@pytest.fixture(
    params=[safetensors, torch_zip, torch_legacy, a_view, some_of_a_storage, deflated, npz]
)
def rows(request: pytest.FixtureRequest, tmp_path: Path) -> RowReader:
    request.param(tmp_path / "x", W)
    return open_tensors(LocalBlob(tmp_path / "x")).rows("W")


def test_rows_are_those_of_the_whole(rows: RowReader) -> None:
    assert rows.shape == (ROWS, 5)
    assert torch.equal(rows.whole().bfloat16(), W)
    assert torch.equal(rows.read(4, 9).bfloat16(), W[4:9])
    assert rows.read(0, 0).shape == (0, 5)
    starts, parts = zip(*rows.parts(), strict=True)
    assert starts == (0, ROWS_AT_ONCE, 2 * ROWS_AT_ONCE)
    assert torch.equal(torch.cat(parts).bfloat16(), W)


def test_rows_that_are_changed_on_the_way(rows: RowReader) -> None:
    doubled = rows.each(lambda part: part.float() * 2)
    assert torch.equal(doubled.read(1, 3), W[1:3].float() * 2)
    assert torch.equal(rows.read(1, 3).float(), W[1:3].float())


def test_a_file_that_is_cut_while_it_is_read(tmp_path: Path) -> None:
    """No map of the disk, which would end the process."""
    safetensors(tmp_path / "x", W)
    rows = open_tensors(LocalBlob(tmp_path / "x")).rows("W")
    (tmp_path / "x").write_bytes((tmp_path / "x").read_bytes()[:-1])
    assert torch.equal(rows.read(0, 2), W[:2])
    with pytest.raises(FormatError, match="became shorter while it was read"):
        rows.read(ROWS - 1, ROWS)

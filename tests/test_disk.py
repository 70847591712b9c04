"""What the disk refuses is told by its kind, and never as damage."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import polars as pl
import pytest

from unembed.disk import number_of, refused, told
from unembed.errors import FormatError


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "the disk is full (No space left on device). Make room there"),
        (errno.EACCES, "permission is denied"),
        (errno.EPERM, "permission is denied"),
        (errno.EROFS, "the file system can only be read"),
        (errno.EMFILE, "too many files are open"),
        (errno.ENFILE, "too many files are open"),
        (errno.ENAMETOOLONG, "is too long"),
        (errno.ENOENT, "is not there"),
        (errno.ENODEV, "the disk does not answer"),
        (errno.EIO, "the disk does not answer"),
        (errno.EISDIR, "a folder is where a file should be"),
        (errno.ENOTDIR, "a file is where a folder should be"),
        (errno.EDQUOT, "your share of the disk is used up"),
        (errno.EFBIG, "the file grows larger"),
        (errno.EXDEV, "another disk"),
    ],
)
def test_each_kind_has_its_words(number: int, said: str) -> None:
    plain = OSError(number, os.strerror(number))
    assert said in refused(plain)
    passed_on = pl.exceptions.ComputeError(
        f"parquet: File out of specification: {os.strerror(number)} (os error {number})"
    )
    assert said in refused(passed_on)
    behind = ValueError("a library's own words")
    behind.__cause__ = plain
    assert number_of(behind) == number


def test_other_errors_are_passed_on_in_one_line() -> None:
    assert refused(ValueError("too short.\nand more")) == "too short."
    assert refused(ValueError()) == "ValueError."
    assert number_of(ValueError("(os error x)")) is None


def test_the_error_names_the_file(tmp_path: Path) -> None:
    with (
        pytest.raises(FormatError, match=r"x cannot be read: it, or a folder above it, is not"),
        told(tmp_path / "x", "cannot be read", FormatError),
    ):
        (tmp_path / "x").read_bytes()
    with told(tmp_path / "x", "cannot be read", FormatError):
        pass

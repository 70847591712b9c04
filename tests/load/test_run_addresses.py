"""References to runs on the hub, in all their forms."""

from __future__ import annotations

import pytest

from unembed.errors import SourceError
from unembed.load.hub.runs import run_address, shown_address

DATA = "datasets/org/run"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("hf:org/run", (DATA, "", None)),
        ("hf:org/run@v1", (DATA, "", "v1")),
        ("hf:org/run@v1/a/b", (DATA, "a/b", "v1")),
        ("hf:org/run/a/b@v1", (DATA, "a/b", "v1")),
        ("hf:org/run@refs/pr/3/a", (DATA, "a", "refs/pr/3")),
        ("hf://datasets/org/run@main/a", (DATA, "a", "main")),
        ("hf:datasets/org/run", (DATA, "", None)),
        ("https://huggingface.co/datasets/org/run", (DATA, "", None)),
        ("https://hf.co/datasets/org/run/tree/v2/a", (DATA, "a", "v2")),
        ("https:/huggingface.co/datasets/org/run/tree/main", (DATA, "", "main")),
    ],
)
def test_forms(text: str, found: tuple[str, str, str | None]) -> None:
    address = run_address(text)
    assert tuple(address) == found
    assert run_address(shown_address(address)) == address


@pytest.mark.parametrize(
    "text",
    ["hf:run", "hf:", "hf:org/", "hf:org/run@", "hf:org/run/../x", "https://huggingface.co/org/model",
     "https://example.org/datasets/org/run", "hf:a b/c", "hf:org/run@v1@v2"],
)  # fmt: skip
def test_no_runs(text: str) -> None:
    with pytest.raises(SourceError, match="names no run on the hub"):
        run_address(text)

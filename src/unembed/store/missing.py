"""What a run still needs: files that are not there, or damaged, by the step that makes them."""

from __future__ import annotations

from collections.abc import Collection
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
    def of(cls, folder: Path, manifest: Manifest, shards: Collection[Shard]) -> Missing:
        """Return what is missing in a run's folder of some shards, and of their banks.

        Raises:
            RunError: when something else stands where a file would be made, or what is there may
                not be read.
        """
        files = RunFiles(manifest)
        lacking = [each for each in shards if not _are_whole(folder, files.of_shard(each))]
        banks = {each.bank for each in lacking} | {
            at
            for at in {each.bank for each in shards}
            if not _are_whole(folder, files.of_bank(manifest.names[at]).all)
        }
        return cls(tuple(sorted(banks)), tuple(lacking))

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

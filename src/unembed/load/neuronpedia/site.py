"""Neuronpedia's exports, fetched: few requests, one at a time, each file once.

The bucket of the exports is public, and says what it holds (S3's ListObjectsV2), so that one
request a source tells all its files, their sizes and their hashes. A mirror that gives no such list
is asked for `batch-0`, `batch-1` … until one is not there. Files lie in the cache by their hash;
one whose download was stopped goes on from where it was.

Which features a file holds does not follow from its number alone: those of `features` and
`explanations` are sorted by the index as text ("1", "10", "100", …), those of `activations` hold
1,024 consecutive indices each; an export that was made from a dashboard has other numbers to a
file, the same ones in `features` and `activations`. So all of the first two are read, which are
small, and of the third those that the others name.
"""

from __future__ import annotations

import io
from collections.abc import Collection, Sequence

from unembed import cache
from unembed.errors import SourceError
from unembed.load.neuronpedia.bucket import Batch, Bucket
from unembed.load.neuronpedia.gathered import Gathered, Kind
from unembed.load.neuronpedia.lines import objects_of
from unembed.load.neuronpedia.records import Whose, records_of
from unembed.progress import Report, report_within

BASE = "https://neuronpedia-datasets.s3.us-east-1.amazonaws.com/v1"
"""Where the exports are: docs.neuronpedia.org/api-and-data/exports."""
EACH = 1024
"""Consecutive indices in a file of activations, as Neuronpedia's own export script writes them."""


class FromSite:
    """The exports below an address.

    Args:
        base: that of `MODEL/SOURCE/…`: Neuronpedia's, or a mirror's.

    Raises:
        SourceError: when it is no address of the web.
    """

    def __init__(self, base: str = BASE) -> None:
        self.bucket = Bucket(base)

    def gather(
        self, gathered: Gathered, whose: Whose, kinds: Collection[Kind], report: Report
    ) -> None:
        """Fetch what is wanted, and read it into what is gathered.

        Raises:
            SourceError: when the site has no such export, or cannot be reached.
            FormatError: when a file cannot be understood.
        """
        assert whose.source is not None
        batches = self.bucket.batches(whose.source)
        if not any(batches.values()):
            raise self._nothing(whose.source)
        small = [
            batch
            for kind in ("explanations", "features")
            if kind in kinds or (kind == "features" and "activations" in kinds)
            for batch in batches[kind]
        ]
        held: dict[int, set[int]] = {}
        for done, batch in enumerate(small):
            report(done, len(small))
            indices = self._read(batch, gathered, whose)
            if batch.kind == "features":
                held[batch.number] = indices
        report(len(small), len(small))
        if "activations" in kinds:
            within = report_within(report, len(small), len(small) + len(batches["activations"]))
            self._activations(batches["activations"], held, gathered, whose, within)

    def _activations(
        self,
        batches: Sequence[Batch],
        held: dict[int, set[int]],
        gathered: Gathered,
        whose: Whose,
        report: Report,
    ) -> None:
        """Read the files that hold wanted features; more, where those do not.

        A feature that is not in the file of its neighbours fires nowhere.
        """
        missing = set(gathered.wanted)
        likely = _likely(missing, held)
        ordered = sorted(batches, key=lambda batch: batch.number not in likely)
        for done, batch in enumerate(ordered):
            report(done, len(ordered))
            if not missing:
                break
            missing -= _settled(self._read(batch, gathered, whose), missing)
        report(len(ordered), len(ordered))

    def _read(self, batch: Batch, gathered: Gathered, whose: Whose) -> set[int]:
        """Read a file into what is gathered, and return the indices that it speaks of."""
        seen = set()
        content = io.BytesIO(cache.content(self.bucket.fetched(batch)))
        for where, found in objects_of(content, batch.key):
            for record in records_of(found, where, whose):
                seen.add(record.feature)
                gathered.add(record)
        return seen

    def _nothing(self, source: str) -> SourceError:
        return SourceError(
            f"{self.bucket.base} has no export of {source}: neither features, nor explanations, "
            "nor activations. Not every source on Neuronpedia has one; see what there is at "
            f"{self.bucket.root}/index.html?prefix=v1/, or give files with --from."
        )


def _likely(wanted: set[int], held: dict[int, set[int]]) -> set[int]:
    """Return the numbers of the files that should hold wanted features."""
    if _is_by_batch(held):
        return {number for number, indices in held.items() if indices & wanted}
    return {index // EACH for index in wanted}


def _is_by_batch(held: dict[int, set[int]]) -> bool:
    """Return whether files of features hold ranges of indices that do not overlap."""
    ends = sorted((min(indices), max(indices)) for indices in held.values() if indices)
    return bool(ends) and all(ends[at][1] < ends[at + 1][0] for at in range(len(ends) - 1))


def _settled(seen: set[int], missing: set[int]) -> set[int]:
    """Return which of the missing features a file settles: it has them, or their neighbours."""
    if not seen:
        return set()
    low, high = min(seen), max(seen)
    is_range = 2 * len(seen) > high - low
    return {each for each in missing if each in seen or (is_range and low <= each <= high)}

"""How much of a published run is fetched for one feature, from an empty cache.

    python benchmarks/sharing.py [RUN [FEATURE]]

RUN is a run of the demo, `runs/demo` unless given. It is published to a hub on this machine, which
sends byte ranges as the real one does, through a redirect to its CDN, and counts them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from unembed import Run, distant, publishing
from unembed.explorer.contents import Contents
from unembed.questions import explanation_facts, feature_facts

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.load.fake_hub import FakeHub, point_at  # noqa: E402

PLACE = "hf:me/run"


def page(feature: str) -> None:
    """Ask what the explorer's page of a feature asks, but for what is read from the weights."""
    contents = Contents(Run.open(PLACE))
    bank, _, index = feature.rpartition("/")
    contents.overview()
    contents.tokens()
    contents.token_sets()
    contents.column("index")
    contents.feature(bank, int(index))


def main(folder: Path, feature: str) -> None:
    """Print the table."""
    asked: dict[str, Callable[[], object]] = {
        "opened (`Run.open`)": lambda: Run.open(PLACE),
        "`unembed show`, one feature": lambda: feature_facts(Run.open(PLACE), feature),
        "`unembed explain --stored`, one feature": lambda: explanation_facts(
            Run.open(PLACE), feature
        ),
        "one feature's page in the explorer": lambda: page(feature),
    }
    patch = pytest.MonkeyPatch()
    with TemporaryDirectory() as made, FakeHub() as hub:
        point_at(hub.endpoint, Path(made, "mine"), patch)
        patch.setenv("HF_TOKEN", "hf_of_a_benchmark")
        with publishing.pack(Run.open(folder), PLACE) as parcel:
            whole = parcel.size
            publishing.publish(parcel)
        print(f"| {feature} of {whole / 1e6:,.0f} MB as published | MB | share | requests |")
        print("|---|--:|--:|--:|")
        for at, (what, ask) in enumerate(asked.items()):
            point_at(hub.endpoint, Path(made, str(at)), patch)
            distant._folders.clear()
            hub.log.clear()
            ask()
            sent = hub.bytes_sent()
            print(f"| {what} | {sent / 1e6:.1f} | {sent / whole:.1%} | {len(hub.log)} |")
    patch.undo()


if __name__ == "__main__":
    given = sys.argv[1:]
    main(
        Path(given[0]) if given else ROOT / "runs" / "demo",
        given[1] if given[1:] else "mlp.26/1329",
    )

"""End processes of a Ray cluster at any moment, and hold the run against one program's.

    python -m scripts.kill_on_ray --kills 100

The cluster is one of two processors on this machine.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path


def main() -> int:
    """Return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--kills", type=int, default=100, help="processes that are ended, in all")
    options = parser.parse_args()
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_DEDUP_LOGS": "1"}
    import ray

    from tests.kill.on_ray import play_on_ray

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="unembed-kill-") as name:
        played = play_on_ray(Path(name), options.kills)
    print("\n".join(played.faults))
    print(
        f"{played.kills:,} processes of a Ray cluster ended in {played.rounds:,} runs, of which "
        f"{len(played.faults)} did not end with the same bytes; Ray gave up on a task "
        f"{played.ended.get('given up, then taken on', 0)} times, and the same command went on "
        f"({time.monotonic() - started:,.0f} s)."
    )
    return int(bool(played.faults))


if __name__ == "__main__":
    sys.exit(main())

"""Where the work of a run is done: in this program, or by tasks of a Ray cluster.

Nothing heavy is imported here, so that a command line can check its options at once.
"""

from __future__ import annotations

from unembed.errors import UnembedError

RAY = "ray"


def check_engine(engine: str | None) -> None:
    """Check that an engine is one.

    Raises:
        UnembedError: when it is neither None, nor `ray`, nor the address of a Ray cluster.
    """
    if engine is not None and engine != RAY and not engine.startswith(f"{RAY}://"):
        raise UnembedError(
            f"{engine[:60]!r} is no engine. Say `ray` for the cluster of this machine, or the "
            "address of another one, such as ray://head:10001."
        )

"""A run on disk: written atomically, shard by shard, and read back."""

from unembed.store.run import Run

__all__ = ["Run"]

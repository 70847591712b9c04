"""Which token sets features are tested against, unless others are named."""

DEFAULT = "default"
"""The collection that comes with this package."""

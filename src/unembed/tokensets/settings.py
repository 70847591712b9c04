"""Which token sets features are tested against, unless others are named."""

DEFAULT = "default"
"""The collection that comes with this package."""
DISCOVERED = "discovered"
"""The collection that is found in a model's W_U (`unembed.discovery`): no vocabulary has it."""

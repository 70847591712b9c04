from .catalogue.listing import list_saes
from .lenses.lens_file import LensFile
from .lenses.of_bank import LensLayer, layer_for
from .lenses.open import load_lens
from .lenses.through import split_lenses, through, through_lenses
from .loaders import (
    load_embedding,
    load_features,
    load_unembedding,
    load_vocabulary,
    model_of,
)
from .models.open import load_model
from .published.names import near_published
from .published.table import saelens_version
from .sources import is_published

__all__ = [
    "LensFile",
    "LensLayer",
    "is_published",
    "layer_for",
    "list_saes",
    "load_embedding",
    "load_features",
    "load_lens",
    "load_model",
    "load_unembedding",
    "load_vocabulary",
    "model_of",
    "near_published",
    "saelens_version",
    "split_lenses",
    "through",
    "through_lenses",
]

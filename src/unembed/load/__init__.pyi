from .catalogue.listing import list_saes
from .loaders import load_features, load_unembedding, load_vocabulary, model_of
from .models.open import load_model
from .published.names import near_published
from .published.table import saelens_version
from .sources import is_published

__all__ = [
    "is_published",
    "list_saes",
    "load_features",
    "load_model",
    "load_unembedding",
    "load_vocabulary",
    "model_of",
    "near_published",
    "saelens_version",
]

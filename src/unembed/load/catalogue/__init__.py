"""What could be loaded: published SAEs with what their names say, before anything is fetched."""

from unembed.load.catalogue.listing import list_saes

__all__ = ["list_saes"]

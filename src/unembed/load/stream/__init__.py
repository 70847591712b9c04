"""From the hook that directions write to, to the residual stream."""

from unembed.load.stream.passage import to_stream
from unembed.load.stream.sites import Site, known_site, site_of

__all__ = ["Site", "known_site", "site_of", "to_stream"]

"""From the hook that directions write to, to the residual stream; and from there to what reads."""

from unembed.load.stream.passage import to_stream
from unembed.load.stream.reads import from_stream
from unembed.load.stream.sites import Site, known_site, site_of

__all__ = ["Site", "from_stream", "known_site", "site_of", "to_stream"]

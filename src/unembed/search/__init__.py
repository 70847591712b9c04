"""Which features do the thing that is looked for?"""

from unembed.search.driver import find

__all__ = ["find"]

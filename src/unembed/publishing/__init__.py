"""Publishing: a finished run as a data set on the Hugging Face hub, to be opened where it lies.

`private` says what of a run is nobody else's business, `beside` makes the tables that let a little
of it be looked at alone, `pictures` and `card` the page that people see, `parcel` the list of all
that goes out, and `upload` sends it. Weights are no part of a run, and never go out.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

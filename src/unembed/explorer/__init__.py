"""The explorer: a run as a local web page, live or as files.

`contents` says what there is to see, `app` serves it, `server` runs the app on this machine,
`report` writes the same to files. The page itself is built from `web/`. Needs
`pip install 'unembed[explore]'`.
"""

from importlib.util import find_spec
from typing import Any

import lazy_loader

from unembed.errors import MissingExtraError

_get, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __getattr__(name: str) -> Any:
    missing = [each for each in ("fastapi", "uvicorn", "httpx") if find_spec(each) is None]
    if missing and name in __all__:
        raise MissingExtraError(
            f"The explorer needs {' and '.join(missing)}: pip install 'unembed[explore]'."
        )
    return _get(name)

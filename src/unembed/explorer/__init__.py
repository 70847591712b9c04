"""The explorer: a run as a local web page, live or as files.

`contents` says what there is to see, `app` serves it, `server` runs the app on this machine,
`report` writes the same to files. The page itself is built from `web/`. Needs
`pip install 'unembed[explore]'`.
"""

from importlib.util import find_spec

from unembed.errors import MissingExtraError

_missing = [name for name in ("fastapi", "uvicorn", "httpx") if find_spec(name) is None]
if _missing:
    raise MissingExtraError(
        f"The explorer needs {' and '.join(_missing)}: pip install 'unembed[explore]'."
    )

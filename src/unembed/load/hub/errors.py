"""The hub's errors, turned into ones that say what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from unembed.errors import SourceError
from unembed.load.hub.cache import not_kept


class UnreachableError(SourceError):
    """The hub did not answer, so that what is in the cache may serve."""


def _transport_error() -> type[Exception]:
    """Return the base class of the network errors of huggingface_hub's HTTP library."""
    bases = [base for base in HfHubHTTPError.__mro__ if base.__name__ == "HTTPError"]
    return bases[0]


TRANSPORT_ERROR = _transport_error()


@contextmanager
def hub_errors(name: str, repo: str, revision: str) -> Iterator[None]:
    """Turn the hub's errors into ours.

    Args:
        name: what was asked for, as errors name it.
        repo: its repository.
        revision: its revision.

    Raises:
        UnreachableError: when a later try, or the cache, may serve.
        SourceError: when it will not.
    """
    try:
        yield
    except GatedRepoError as error:
        raise SourceError(
            f"{name} is gated. Accept its terms on its page, then log in with "
            "`hf auth login` or set HF_TOKEN."
        ) from error
    except RevisionNotFoundError as error:
        raise SourceError(
            f"{repo} has no revision {revision!r}. Name a branch, tag or commit of it behind '@'."
        ) from error
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise SourceError(
            f"There is no file or folder {repo!r} here, and no such public repository on "
            "the hub. Check the spelling; for a private one log in with `hf auth login`."
        ) from error
    except RemoteEntryNotFoundError as error:
        raise SourceError(f"{name}: {error}") from error
    except HfHubHTTPError as error:
        raise UnreachableError(
            f"{name} is not in the cache, and the hub answered: "
            f"{' '.join(str(error).split())}. Try again later; for a private repository log in "
            "with `hf auth login`."
        ) from error
    except LocalEntryNotFoundError as error:
        raise _unreachable(name, error.__cause__ or error) from error
    except (OSError, ValueError, TRANSPORT_ERROR) as error:
        if isinstance(error, OSError) and error.filename:
            raise not_kept(Path(error.filename), error, "HF_HOME") from error
        raise _unreachable(name, error) from error


def _unreachable(name: str, reason: object) -> UnreachableError:
    return UnreachableError(
        f"{name} is not in the cache and the hub cannot be reached: "
        f"{str(reason).rstrip('. ') or type(reason).__name__}. Connect to a network and try "
        "again, or name a local folder."
    )

"""Sending a run to the hub: file after file, and all of them in one commit at the end.

Large files are sent first, some at a time. What has arrived is known to the hub by its hash: given
again, the same command goes on. Nobody sees anything of the run before the commit, which has all of
it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import huggingface_hub
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, constants
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    LocalTokenNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import (
    are_progress_bars_disabled,
    disable_progress_bars,
    enable_progress_bars,
)

from unembed.errors import SourceError, UnembedError
from unembed.load.hub.address import Address
from unembed.load.hub.errors import TRANSPORT_ERROR
from unembed.load.hub.kinds import repository
from unembed.load.hub.runs import run_address, shown_address
from unembed.progress import Progress, silent
from unembed.publishing.card import PICTURES, About
from unembed.publishing.parcel import Parcel, pack
from unembed.store.added import NEURONPEDIA, STEERING
from unembed.store.manifest import FEATURES, MANIFEST
from unembed.store.published import FOLDER
from unembed.store.schema import LENS_CHECK
from unembed.store.tables import RunTables
from unembed.version import __version__

_AT_ONCE = 8
"""Files that are sent together, after which it is said how far it is."""
_OURS = (FEATURES, "enrichment", "explanations", "null", FOLDER, PICTURES, NEURONPEDIA, STEERING)
_OUR_FILES = (LENS_CHECK,)
"""Of a published run, folders and files: what an earlier one left there is not part of it."""


def publish(
    parcel: Parcel,
    *,
    private: bool | None = None,
    token: str | None = None,
    message: str | None = None,
    progress: Progress = silent,
) -> str:
    """Send a packed run to the hub, and return the address that opens it, at its commit.

    The repository, a data set, is made if it is not there, and so is the branch that is named.
    Files of a run that was there before, and are none of this one's, are deleted by the same
    commit; all others stay.

    Args:
        parcel: as `pack` yields it.
        private: whether a repository that is made is private; what the account's settings say if
            None. One that is there stays as it is.
        token: of the hub; where `huggingface_hub` looks for one (`HF_TOKEN`, `hf auth login`) if
            None.
        message: of the commit.
        progress: told how many bytes of how many have arrived.

    Raises:
        SourceError: when the hub refuses, or cannot be reached. Nothing of the run is to be seen
            then.
    """
    address = run_address(parcel.place)
    _, name = repository(address.repo)
    api = huggingface_hub.HfApi(token=token)
    before = f"{address.inside}/" if address.inside else ""
    with _told(name, address.revision), _without_bars():
        api.create_repo(name, repo_type="dataset", private=private, exist_ok=True)
        if address.revision and address.revision != "main":
            api.create_branch(name, branch=address.revision, repo_type="dataset", exist_ok=True)
        there = {
            each.path for each in api.list_repo_tree(
                name, recursive=True, revision=address.revision, repo_type="dataset"
            )
            if isinstance(each, huggingface_hub.RepoFile)
        }  # fmt: skip
        added = [CommitOperationAdd(f"{before}{path}", file) for path, file in parcel.files.items()]
        _send(api, name, address, added, progress)
        gone = _left(there, before, {each.path_in_repo for each in added})
        commit = api.create_commit(
            name, [*added, *(CommitOperationDelete(path) for path in gone)], repo_type="dataset",
            revision=address.revision,
            commit_message=message or f"Publish a run of unembed {__version__}",
        )  # fmt: skip
    return shown_address(Address(address.repo, address.inside, commit.oid))


def publish_run(
    run: RunTables,
    place: str,
    *,
    title: str | None = None,
    licence: str | None = None,
    note: str | None = None,
    private: bool | None = None,
    token: str | None = None,
    message: str | None = None,
    progress: Progress = silent,
) -> str:
    """Publish a run as a data set on the Hugging Face hub, and return the address that opens it.

    Weights are not sent, and folders of this machine are replaced by their last part; `pack` says
    what would go out.

    Args:
        run: a finished run in a folder.
        place: `hf:org/name`, with `@branch` and `/folder` behind it where these are meant.
        title: of its page.
        licence: as the hub names it, such as `cc-by-4.0`; none is said unless given.
        note: what to say of it on its page, in Markdown.
        private: as for `publish`.
        token: of the hub.
        message: of the commit.
        progress: told how far the steps are.

    Raises:
        RunError: when a file of the run is damaged or missing.
        SourceError: when the hub refuses, or cannot be reached.
    """
    with pack(run, place, About(title, licence, note), progress) as parcel:
        return publish(parcel, private=private, token=token, message=message, progress=progress)


def _send(
    api: huggingface_hub.HfApi,
    name: str,
    address: Address,
    added: list[CommitOperationAdd],
    progress: Progress,
) -> None:
    """Send what does not travel within the commit itself."""
    sizes = [each.upload_info.size for each in added]
    done, total = 0, sum(sizes)
    progress("Sending", 0, total)
    for start in range(0, len(added), _AT_ONCE):
        part = added[start : start + _AT_ONCE]
        api.preupload_lfs_files(
            name, part, repo_type="dataset", revision=address.revision, free_memory=False
        )
        done += sum(sizes[start : start + _AT_ONCE])
        progress("Sending", done, total)


def _left(there: set[str], before: str, new: set[str]) -> list[str]:
    """Return the files that an earlier run in the same folder of the repository left.

    Only where there was one, and only what a run's files may be called.
    """
    if f"{before}{MANIFEST}" not in there:
        return []
    ours = tuple(f"{before}{folder}/" for folder in _OURS)
    files = {f"{before}{file}" for file in _OUR_FILES}
    return sorted(path for path in there - new if path.startswith(ours) or path in files)


@contextmanager
def _without_bars() -> Iterator[None]:
    """Have the library draw no bars of its own beside ours."""
    if are_progress_bars_disabled():
        yield
        return
    disable_progress_bars()
    try:
        yield
    finally:
        enable_progress_bars()


@contextmanager
def _told(name: str, revision: str | None) -> Iterator[None]:
    """Turn what the hub says into errors that say what to do.

    Raises:
        SourceError: then.
    """
    go_on = "What has arrived is kept; the same command goes on."
    try:
        yield
    except UnembedError:
        raise
    except LocalTokenNotFoundError as error:
        raise _no_login(name) from error
    except (RepositoryNotFoundError, GatedRepoError, RevisionNotFoundError) as error:
        at = f"@{revision}" if revision else ""
        raise SourceError(
            f"The hub does not let this account write to the data set {name}{at}, or it is not "
            f"there: {_first(error)} Log in with an account that may write to it (`hf auth login`, "
            "or HF_TOKEN)."
        ) from error
    except HfHubHTTPError as error:
        status = error.response.status_code if error.response is not None else None
        if status == 401:
            raise _no_login(name) from error
        if status == 403:
            raise SourceError(
                f"The hub refuses to write to the data set {name}: {_first(error)} The token needs "
                "the right to write there: make one at https://huggingface.co/settings/tokens."
            ) from error
        raise SourceError(f"The hub did not take {name}: {_first(error)} {go_on}") from error
    except (OSError, ValueError, RuntimeError, TRANSPORT_ERROR) as error:
        raise SourceError(
            f"{name} could not be sent to the hub ({constants.ENDPOINT}): {_first(error)} {go_on}"
        ) from error


def _no_login(name: str) -> SourceError:
    return SourceError(
        f"To publish {name}, the hub has to know who you are. Log in with `hf auth login`, set "
        "HF_TOKEN, or give --token. A token that may write is made at "
        "https://huggingface.co/settings/tokens."
    )


def _first(error: BaseException) -> str:
    said = " ".join(str(error).split()) or type(error).__name__
    return said if said.endswith(".") else f"{said}."

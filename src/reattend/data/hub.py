"""A model's or data set's files from the Hugging Face hub, or from its copy on this machine."""

import functools
from pathlib import Path
from typing import Literal

from reattend.settings import SettingError

PATIENCE = 10  # seconds to wait for the hub to answer


def hub_folder(
    repository: str,
    *,
    kind: Literal["model", "dataset"],
    revision: str | None,
    patterns: tuple[str, ...],
    setting: str,
    value: str,
    instead: str,
) -> Path:
    """The folder that holds the files of `patterns`, named after the commit they belong to.

    Without a network, what an earlier download left in the hub's cache serves. A refusal names the user's `setting`
    and its `value`; `instead` says what a user without network and cache may do.
    """
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

    take = functools.partial(snapshot_download, repository, repo_type=kind, allow_patterns=[*patterns])
    try:
        # one quick question first: a download retries for half a minute before it says that there is no network
        commit = HfApi().repo_info(repository, repo_type=kind, revision=revision, timeout=PATIENCE).sha
        return Path(take(revision=commit))
    except Exception as error:  # of several libraries: the client's HTTP library changes with its version
        refused = error
    try:
        return Path(take(revision=revision, local_files_only=True))
    except Exception:
        expected = f"the {kind} {repository} of the hub, or its copy in the hub's cache ({_first_line(refused)})"
        fix = instead
    if isinstance(refused, GatedRepoError):
        expected = f"leave to download the {kind} {repository}"
        fix = f"Accept its licence on https://huggingface.co/{repository}, then `hf auth login` or set HF_TOKEN."
    elif isinstance(refused, RepositoryNotFoundError | RevisionNotFoundError):
        expected = f"the name of a {kind} of the hub, and a revision that it has"
    raise SettingError(setting, value, expected, fix) from refused


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__

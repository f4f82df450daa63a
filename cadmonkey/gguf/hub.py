"""The Hugging Face Hub: models fetched from it, and proven releases uploaded to it."""

import sys
from pathlib import Path

from cadmonkey.errors import InputError, RunError
from cadmonkey.gguf.adapter_file import FILE_NAME
from cadmonkey.gguf.checksums import CHECKSUMS, write_checksums
from cadmonkey.gguf.folders import check_base_name, local_base
from cadmonkey.gguf.origin import HUB_ID, is_adapter, read_training
from cadmonkey.gguf.proof import UnprovenError
from cadmonkey.gguf.questions import MIN_PROMPTS
from cadmonkey.gguf.record import RECORD, intact_adapter, is_fully_proven, is_intact, published_names, read_record

_FETCHED = ("*.safetensors", "*.json", "*.jinja", "tokenizer.model", "README.md")
"""Weights, configs, tokenizer, and the card, which names the licence."""
_NOT_FETCHED = ("*/*", "consolidated*")
"""The same weights once more, in other formats."""


def fetch_model(hub_id: str) -> Path:
    """Return the folder of a model of the Hub, downloaded where it is not in the cache (HF_HUB_OFFLINE=1: from there).

    Raises:
        InputError: there is no such model here or on the Hub, or the Hub cannot be reached.
    """
    from huggingface_hub import snapshot_download

    _quieten()
    try:
        return Path(snapshot_download(hub_id, allow_patterns=list(_FETCHED), ignore_patterns=list(_NOT_FETCHED)))
    except Exception as error:  # of half a dozen libraries, with no common class
        raise InputError(
            f"{hub_id}: expected a run folder, an adapter folder, a model folder or a model on the Hub, got no folder "
            f"of that name, and from the Hub: {_reason(error)}"
        ) from error


def fetch_base(folder: Path) -> Path | None:
    """Return the recorded base of an adapter folder, fetched from the Hub; None where nothing is to be fetched.

    Raises:
        InputError: as `fetch_model`, or the base is known by its name to hold quantised weights.
    """
    if not is_adapter(folder) or local_base(folder) is not None:
        return None
    check_base_name(folder)
    name = read_training(folder)["base_model"]
    return fetch_model(name) if HUB_ID.fullmatch(name) else None


def check_push(repo: str) -> None:
    """Find out before any work that nothing can be pushed to `repo`; the Hub is not asked.

    Raises:
        InputError: it is no name of a repository, there is no token, or this machine is to stay offline.
    """
    from huggingface_hub import constants, get_token

    if not HUB_ID.fullmatch(repo) or "--" in repo or ".." in repo:
        raise InputError(f"--push: expected owner and name of a repository, such as me/my-model, got {repo}")
    if constants.is_offline_mode():
        raise InputError("--push: expected a connection to the Hub, but HF_HUB_OFFLINE is set; unset it")
    if not get_token():
        raise InputError("--push: expected a token of the Hub, got none; run `hf auth login`, or set HF_TOKEN")


def push(folder: Path, repo: str, *, private: bool = False) -> str:
    """Upload the release in `folder`, as one commit, to the model repository `repo`, made if need be.

    Only the files that the card names go: no checkpoint, no data. Return the commit's address.

    Raises:
        UnprovenError: a file of the release failed its proof, was never proven or has changed since; nothing was sent.
        InputError: as `check_push`, or the folder holds no release.
        RunError: the Hub cannot be reached or refuses; everything is still in `folder`.
    """
    from huggingface_hub import CommitOperationAdd, HfApi

    names = names_to_push(folder)
    check_push(repo)
    write_checksums(folder, read_record(folder))  # the card may have been edited by hand
    _quieten()
    operations = [CommitOperationAdd(name, folder / name) for name in names]
    message = f"Upload {', '.join(name for name in names if name.endswith('.gguf'))} with proof"
    try:
        api = HfApi()
        api.create_repo(repo, private=private or None, exist_ok=True)
        return str(api.create_commit(repo, operations, commit_message=message).commit_url)
    except Exception as error:  # of half a dozen libraries, with no common class
        raise RunError(
            f"{repo}: could not be uploaded: {_reason(error)}; the files are whole in {folder}, run the command again"
        ) from error


def names_to_push(folder: Path) -> list[str]:
    """Return the files of a release that is proven throughout.

    Raises:
        UnprovenError: one of its files failed its proof, was never proven, or is not the one that was proven.
        InputError: the folder holds no release.
    """
    record = read_record(folder)
    entries = record.get("files", [])
    if not entries:
        raise InputError(f"{folder / RECORD}: expected the record of an export, got none; export first")
    for entry in entries:
        if entry.get("verdict") != "proven":
            raise UnprovenError(
                f"{folder / entry['file']}: expected a proven file to push, got one that is {entry['verdict']}; "
                "nothing was uploaded"
            )
        if not is_fully_proven(entry):
            raise UnprovenError(
                f"{folder / entry['file']}: expected a file proven on {MIN_PROMPTS} prompts or more to push, got "
                f"{entry.get('prompts', 0)}; nothing was uploaded, export it again without --limit"
            )
        if not is_intact(folder, entry):
            raise UnprovenError(
                f"{folder / entry['file']}: expected the file that was proven, got another or none; nothing was "
                "uploaded, export again"
            )
    if record.get("adapter") and intact_adapter(folder, record) is None:
        raise UnprovenError(
            f"{folder / FILE_NAME}: expected the file that card and sums name, got another or none; nothing was "
            "uploaded, export again"
        )
    return [*published_names(folder, record), CHECKSUMS]


def _quieten() -> None:
    """Show the Hub's progress bars on a terminal only."""
    from huggingface_hub.utils import disable_progress_bars  # type: ignore[attr-defined]

    if not sys.stderr.isatty():
        disable_progress_bars()


def _reason(error: Exception) -> str:
    """Return what the Hub or the network says, in a few words and with the remedy where it is known."""
    import httpx
    from huggingface_hub import constants
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError

    if constants.is_offline_mode():
        return "it is not in the cache, and HF_HUB_OFFLINE is set"
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, HfHubHTTPError | httpx.HTTPError):
        cause = cause.__cause__
    if isinstance(cause, GatedRepoError):
        return "its terms have not been accepted with this token; accept them on the model's page"
    if isinstance(cause, RepositoryNotFoundError):
        return "no such repository, or a private one and no token for it (`hf auth login`, or HF_TOKEN)"
    if isinstance(cause, HfHubHTTPError):
        return f"it answered {cause.response.status_code}: {_one_line(cause.server_message or str(cause))}"
    if isinstance(cause, httpx.HTTPError):
        return f"it cannot be reached ({_one_line(str(cause))})"
    return _one_line(str(error))


def _one_line(text: str) -> str:
    return " ".join(text.split())[:200]

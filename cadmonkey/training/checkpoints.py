"""Checkpoints that are whole or absent, and finding the one to go on from."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cadmonkey.errors import CadmonkeyError, RunError
from cadmonkey.files import explain_os_error, write_json

_SEAL = "complete.json"
_LITTLE_SPACE_BYTES = 16 * 2**20


@contextmanager
def atomic_folder(folder: Path) -> Iterator[Path]:
    """Yield an empty folder beside `folder`, and rename it to `folder` only if the block succeeds.

    Raises:
        RunError: the folder cannot be written, the disk is full.
    """
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        part.mkdir(parents=True)
        yield part
        part.rename(folder)
    except Exception as error:
        shutil.rmtree(part, ignore_errors=True)
        if isinstance(error, CadmonkeyError):
            raise
        raise _explain(error, folder) from error


@contextmanager
def whole_checkpoint(folder: Path) -> Iterator[None]:
    """Seal `folder` with its files' hashes after the block wrote it; remove it if the block fails.

    Raises:
        RunError: the checkpoint could not be written, the disk is full.
    """
    try:
        yield
        write_json(folder / _SEAL, _hashes(folder))
    except Exception as error:
        shutil.rmtree(folder, ignore_errors=True)
        if isinstance(error, CadmonkeyError):
            raise
        raise _explain(error, folder) from error


def _explain(error: Exception, folder: Path) -> Exception:
    """Recognise a full disk: torch and safetensors report it as their own errors, without an errno."""
    if isinstance(error, OSError):
        return explain_os_error(error, folder)
    full = shutil.disk_usage(folder.parent).free < _LITTLE_SPACE_BYTES or "No space left" in str(error)
    reason = "no space left on the disk" if full else str(error).strip().splitlines()[0][:200]
    return RunError(f"{folder}: cannot be written: {reason}; free some space and run the command again, it resumes")


def _hashes(folder: Path) -> dict[str, str]:
    """Return file name -> BLAKE2 hash of everything in `folder` but the seal."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != _SEAL)
    return {path.relative_to(folder).as_posix(): _hash(path) for path in files}


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "blake2b").hexdigest()


def is_whole(folder: Path) -> bool:
    """True for a checkpoint that was sealed and whose files have not changed since; what came beside them may stay."""
    try:
        sealed = json.loads((folder / _SEAL).read_text(encoding="utf-8"))
        return bool(sealed) and all(_hash(folder / name) == digest for name, digest in sealed.items())
    except (OSError, ValueError, AttributeError):
        return False


def last_checkpoint(out: Path) -> Path | None:
    """Return the newest whole checkpoint of `out`."""
    return next((folder for folder in _checkpoints(out) if is_whole(folder)), None)


def remove_damaged(out: Path) -> None:
    """Remove the checkpoints of `out` that a kill left half-written or half-removed."""
    for folder in _checkpoints(out):
        if not is_whole(folder):
            shutil.rmtree(folder)


def _checkpoints(out: Path) -> list[Path]:
    """Return the checkpoint folders, newest first; other folders, like a checkpoint-old, are somebody's own."""
    steps = {path: path.name.removeprefix("checkpoint-") for path in out.glob("checkpoint-*")}
    return sorted((path for path, step in steps.items() if step.isdecimal()), key=lambda path: int(steps[path]))[::-1]

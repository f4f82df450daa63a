"""The folder that a release goes to: kept from other exports, and with no file under its name before its verdict."""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from cadmonkey.errors import InputError
from cadmonkey.files import explain_os_error
from cadmonkey.gguf.checksums import CHECKSUMS
from cadmonkey.gguf.record import RECORD, Entry, read_record

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_STAGE = ".gguf-part"
_ANOTHER_OUT = "move it away, or choose another folder with --out"


@contextmanager
def claimed(target: Path, quants: Sequence[str]) -> Iterator[None]:
    """Keep `target` from every other export, and remove what was made of it if nothing came of this one.

    Raises:
        InputError: another export runs there, files there are not ours, or it cannot be made.
    """
    made = [path for path in (target, *target.parents) if not path.exists()]
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise explain_os_error(error, target) from error
    try:
        with _locked(target):
            _check_ours(target, quants)
            yield
    finally:
        with suppress(OSError):  # it holds files
            for path in made:
                path.rmdir()


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Lock the folder itself, which leaves nothing behind after a kill; not on Windows, nor where no lock is known."""
    if fcntl is None:
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        _try_lock(descriptor, folder)
        yield
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        line = f"{folder}: another export runs there; wait for it, or choose another folder with --out"
        raise InputError(line) from error
    except OSError:
        return  # a file system without locks


def _check_ours(target: Path, quants: Sequence[str]) -> None:
    """Find out that files of somebody else would be overwritten; a killed export is known by its hidden folder."""
    try:
        record = read_record(target)
    except InputError as error:
        raise InputError(f"{error}; {_ANOTHER_OUT}") from error
    if (target / RECORD).exists() and not record:
        raise InputError(f"{target / RECORD}: expected the record of an export, got another file; {_ANOTHER_OUT}")
    if (target / RECORD).exists() or (target / _STAGE).exists():
        return
    files = [f"model-{quant}{ending}" for quant in quants for ending in (".gguf", ".unproven.gguf")]
    for name in (*files, "README.md", "Modelfile", CHECKSUMS):
        if (target / name).exists():
            raise InputError(f"{target / name}: expected no such file, got one of no export of ours; {_ANOTHER_OUT}")


@contextmanager
def staging(target: Path) -> Iterator[Path]:
    """Yield a hidden folder in `target`, so that no file has its name before its verdict; gone afterwards.

    Its name is fixed, so that an export that was killed leaves nothing that the next one does not clear away.
    """
    stage = target / _STAGE
    try:
        shutil.rmtree(stage, ignore_errors=True)
        stage.mkdir(parents=True)
        yield stage
    except OSError as error:
        raise explain_os_error(error, target) from error
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def publish(staged: Path, target: Path, entry: Entry) -> None:
    """Give the file the name its verdict allows, and then remove its namesake of an earlier export."""
    staged.replace(target / entry["file"])
    for name in (f"model-{entry['quant']}.gguf", f"model-{entry['quant']}.unproven.gguf"):
        if name != entry["file"]:
            (target / name).unlink(missing_ok=True)

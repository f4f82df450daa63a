"""The folder that a release goes to: kept from other exports, and with no file under its name before its verdict."""

import errno
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from cadmonkey.errors import CadmonkeyError, InputError, RunError
from cadmonkey.files import explain_os_error
from cadmonkey.gguf.adapter_file import FILE_NAME
from cadmonkey.gguf.checksums import CHECKSUMS
from cadmonkey.gguf.record import PAPERS, RECORD, Entry, read_record

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_STAGE = ".gguf-part"
_HIDDEN = re.compile(rf"{re.escape(_STAGE)}[/\\](\.[^/\\]+[/\\])?")
"""The part of a path within the staging folder that people need not know, with a folder of its own in there."""
_ANOTHER_OUT = "move it away, or choose another folder with --out"


@contextmanager
def claimed(target: Path, quants: Sequence[str], *, adapter: bool = False) -> Iterator[None]:
    """Keep `target` from every other export, and remove what was made of it if nothing came of this one.

    `adapter` tells that adapter.gguf is to be written, too.

    Raises:
        InputError: another export runs there, files there are not ours, or it cannot be made.
    """
    made = [path for path in (target, *target.parents) if not path.exists()]
    _make(target, target)
    try:
        with _locked(target):
            _check_ours(target, quants, adapter)
            yield
    finally:
        with suppress(OSError):  # it holds files
            for path in made:
                path.rmdir()


def _make(folder: Path, target: Path) -> None:
    """Make `folder`, the target itself or one in it; not every folder that looks writable takes one (/proc)."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        explained = explain_os_error(error, target)
        if isinstance(explained, RunError):
            raise explained from error
        existing = next(path for path in folder.absolute().parents if path.is_dir())
        reason = "" if error.errno == errno.ENOENT else f" ({error.strerror})"
        raise InputError(
            f"{target}: cannot be written, for no folder can be made in {existing}{reason}; choose another folder "
            "with --out"
        ) from error


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


def _check_ours(target: Path, quants: Sequence[str], adapter: bool) -> None:
    """Find out that files of somebody else would be overwritten, or that a folder has the name of a file.

    A killed export is known by its record, which is written before any file gets its name.
    """
    try:
        record = read_record(target)
    except InputError as error:
        raise InputError(f"{error}; {_ANOTHER_OUT}") from error
    models = [f"model-{quant}{ending}" for quant in quants for ending in (".gguf", ".unproven.gguf")]
    for name in (*models, *PAPERS, CHECKSUMS, *([FILE_NAME] if adapter else [])):
        path = target / name
        if path.is_dir():
            raise InputError(f"{path}: expected a file or nothing, got a folder; {_ANOTHER_OUT}")
        if record or not (path.exists() or path.is_symlink()):
            continue
        wanted = "the record of an export, got another file" if name == RECORD else "no such file, got one of no export"
        raise InputError(f"{path}: expected {wanted} of ours; {_ANOTHER_OUT}")


@contextmanager
def staging(target: Path) -> Iterator[Path]:
    """Yield a hidden folder in `target`, so that no file has its name before its verdict; gone afterwards.

    Its name is fixed, so that an export that was killed leaves nothing that the next one does not clear away.
    """
    stage = target / _STAGE
    try:
        shutil.rmtree(stage, ignore_errors=True)
        _make(stage, target)
        yield stage
    except OSError as error:
        raise explain_os_error(error, target) from error
    except CadmonkeyError as error:
        error.args = (_HIDDEN.sub("", str(error)),)  # people know the file by its final name
        raise
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def publish(staged: Path, target: Path, entry: Entry) -> None:
    """Give the file the name its verdict allows, and then remove its namesake of an earlier export."""
    staged.replace(target / entry["file"])
    for name in (f"model-{entry['quant']}.gguf", f"model-{entry['quant']}.unproven.gguf"):
        if name != entry["file"]:
            (target / name).unlink(missing_ok=True)

"""Files that are either whole or absent: atomic writes, JSON and JSON lines."""

import errno
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from cadmonkey.errors import InputError, RunError


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, and rename it to `path` only if the block succeeds.

    Raises:
        InputError: the folder cannot be made or written to.
        RunError: the disk is full, or takes no file of that size.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=f".part{path.suffix}")
        os.close(descriptor)
        temporary = Path(name)
        yield temporary
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        raise explain_os_error(error, path) from error
    finally:
        if temporary is not None:
            with suppress(FileNotFoundError):
                temporary.unlink()


def explain_os_error(error: OSError, path: Path) -> InputError | RunError:
    """Turn an operating-system error met while writing `path` into one that names the remedy."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return RunError(f"{path}: no space left on the disk; free some and run the same command again, it resumes")
    if error.errno == errno.EFBIG:
        return RunError(
            f"{path}: the file system, or a limit of this shell (ulimit -f), takes no file of that size; raise the "
            "limit, or write to another disk"
        )
    return InputError(f"{path}: cannot be written ({error.strerror or error}); choose another folder with --out")


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON, whole or not at all."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def write_jsonl(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Write one JSON object a line, whole or not at all."""
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def read_json(path: Path) -> Any:
    """Read one JSON file.

    Raises:
        InputError: the file is missing or is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: expected a JSON file, got: {error}") from error


def read_jsonl(path: Path, columns: Iterable[str] = ()) -> list[dict[str, Any]]:
    """Read one JSON object a line, each with a non-empty text in every one of `columns`; blank lines do not count.

    Raises:
        InputError: the file cannot be read, or a line is not such an object.
    """
    return list(number_jsonl(path, columns).values())


def number_jsonl(path: Path, columns: Iterable[str] = ()) -> dict[int, dict[str, Any]]:
    """Read what `read_jsonl` reads, by the numbers of the lines from 1."""
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")  # splitlines would also cut at U+2028
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: expected a JSON-lines file, got: {error}") from error
    wanted = tuple(columns)
    return {n: _row(path, n, line, wanted) for n, line in enumerate(lines, start=1) if line.strip()}


def _row(path: Path, number: int, line: str, columns: tuple[str, ...]) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise InputError(f"{path}:{number}: expected one JSON object a line, got {line[:80]!r} ({error})") from error
    expected = " and ".join(f'"{column}"' for column in columns)
    missing = not isinstance(row, dict) or any(
        not isinstance(row.get(column), str) or not row[column].strip() for column in columns
    )
    if missing:
        raise InputError(f"{path}:{number}: expected an object with a text in {expected or 'it'}, got {line[:80]}")
    return dict(row)

"""Rows in chunks: made and checked on any number of processes, always the same and in the same order."""

import hashlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import cache, partial
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

from cadmonkey.data.rows import Row, draw_part, row_of
from cadmonkey.data.verify import check_row
from cadmonkey.errors import RunError
from cadmonkey.parts import MIXES

CHUNK_ROWS = 200
"""Rows that a process makes at once: about half a second."""
FULL_EVERY = 100
"""Every so many rows one is judged at the full fineness of its program as well."""
MAX_ATTEMPTS = 20
_GENERATOR = ("cad", "parts", "data/rows.py", "data/verify.py", "data/chunks.py", "data/columns.py")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What decides every byte of made data, together with the versions of the programs that make it."""

    rows: int
    seed: int
    mix: str
    """One of `cadmonkey.parts.MIXES`."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Checked rows from number `start` on; `refused` are {"id", "reason"} of those that others stand in for."""

    start: int
    rows: list[Row]
    refused: list[dict[str, str]]


def make_chunk(settings: Settings, span: tuple[int, int]) -> Chunk:
    """Make the rows from number span[0] to before span[1] and check each of them.

    Raises:
        RunError: row after row was refused; the families or the judge have a defect.
    """
    chunk = Chunk(span[0], [], [])
    for index in range(*span):
        chunk.rows.append(_checked_row(settings, index, chunk.refused))
    return chunk


def _checked_row(settings: Settings, index: int, refused: list[dict[str, str]]) -> Row:
    for attempt in range(MAX_ATTEMPTS):
        part = draw_part(index, settings.seed, mix=MIXES[settings.mix], attempt=attempt)
        row = row_of(part, index, settings.seed)
        reason = check_row(row, part) or (check_row(row) if index % FULL_EVERY == 0 else None)
        if reason is None:
            return row
        refused.append({"id": row["id"], "reason": reason, "prompt": row["prompt"]})
    raise RunError(f"{row['id']}: the judge refused {MAX_ATTEMPTS} parts in a row: {reason}; this is a defect of ours")


def chunks_on_cores(settings: Settings, spans: Iterable[tuple[int, int]], workers: int) -> Iterator[Chunk]:
    """Yield the chunk of every span, in order, made by `workers` processes of this machine (1: by this one).

    Raises:
        RunError: a process died.
    """
    spans = list(spans)
    make = partial(make_chunk, settings)
    workers = min(workers, len(spans))
    if workers <= 1:
        yield from map(make, spans)
        return
    # Spawned, not forked: this process has threads by the time it starts them.
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=_leave_with_parent)
    try:
        yield from pool.map(make, spans)
    except BrokenProcessPool as error:
        raise RunError(
            "a worker process died, perhaps for lack of memory; run the same command again, with fewer --workers"
        ) from error
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _leave_with_parent() -> None:
    """Leave Ctrl-C to the parent, and end this process as soon as the parent is gone, however it ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@cache
def generator_hash() -> str:
    """Return a hash of all code that decides a row."""
    package = resources.files("cadmonkey")
    digest = hashlib.sha256()
    for name in _GENERATOR:
        for path, file in _sources(package / name, name):
            digest.update(f"{path}\n".encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def _sources(place: Traversable, name: str) -> Iterator[tuple[str, Traversable]]:
    if place.is_file():
        yield name, place
        return
    for entry in sorted(place.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir() or entry.name.endswith(".py"):
            yield from _sources(entry, f"{name}/{entry.name}")


def as_json(chunk: Chunk) -> dict[str, Any]:
    """Return a chunk as JSON holds it, to cross from machine to machine."""
    return {"start": chunk.start, "rows": chunk.rows, "refused": chunk.refused}

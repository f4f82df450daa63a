"""A folder of made data: Parquet shards, dataset.json and a data card; the same bytes for the same settings."""

import hashlib
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from importlib.metadata import version
from itertools import groupby
from pathlib import Path
from typing import Any

from cadmonkey.data import audit
from cadmonkey.data.card import data_card
from cadmonkey.data.chunks import CHUNK_ROWS, Chunk, Settings, generator_hash
from cadmonkey.data.columns import Row, import_pyarrow, parquet_bytes
from cadmonkey.errors import InputError
from cadmonkey.files import atomic_path, explain_os_error, read_json, write_json, write_jsonl, write_text
from cadmonkey.terminal import check_writable, progress

MANIFEST = "dataset.json"
CARD = "README.md"
SHARD_ROWS = 10_000
"""Rows of a shard: some 2 MB."""

Spans = list[tuple[int, int]]
Source = Callable[[Settings, Spans], Iterator[Chunk]]
"""Makes the chunks of all spans, in order."""


def make_jsonl(path: Path, settings: Settings, source: Source) -> None:
    """Write all rows to one JSONL file."""
    check_writable(path.parent)
    chunks = source(settings, _spans(settings, range(_shard_count(settings, SHARD_ROWS)), SHARD_ROWS))
    with progress("rows", settings.rows) as advance:
        write_jsonl(path, (row for chunk in _told(chunks, advance) for row in chunk.rows))


def make_folder(
    out: Path, settings: Settings, source: Source, *, fresh: bool = False, shard_rows: int = SHARD_ROWS
) -> dict[str, Any]:
    """Write or go on writing the data of `settings` to the folder `out`, and return its manifest.

    Finished shards are kept, whoever made them; every file is whole or absent. An audit of the folder goes before rows
    are made, which it is not of.

    Raises:
        InputError: the folder holds something else, or data of other settings.
        RunError: the disk is full, or the rows cannot be made.
    """
    import_pyarrow()
    check_writable(out)
    manifest = _begin(out, settings, shard_rows, fresh)
    missing = [number for number in range(_shard_count(settings, shard_rows)) if not _is_whole(out, manifest, number)]
    if not missing and manifest["complete"]:
        return manifest
    _check_generator(out, manifest)
    _remove_audit(out / audit.FOLDER)
    chunks = source(settings, _spans(settings, missing, shard_rows))
    rows_left = sum(stop - start for start, stop in _spans(settings, missing, shard_rows))
    with progress("rows", settings.rows, settings.rows - rows_left) as advance:
        for number, members in groupby(_told(chunks, advance), key=lambda chunk: chunk.start // shard_rows):
            manifest["shards"][shard_name(number)] = _write_shard(out / shard_name(number), list(members))
            write_json(out / MANIFEST, manifest)
    return _finish(out, manifest)


def shard_name(number: int) -> str:
    """The file of a shard."""
    return f"rows-{number:05d}.parquet"


def _shard_count(settings: Settings, shard_rows: int) -> int:
    return -(-settings.rows // shard_rows)


def _spans(settings: Settings, shards: Iterable[int], shard_rows: int) -> Spans:
    """The rows of shards, in chunks of which none crosses the end of a shard."""
    spans = []
    for number in shards:
        end = min((number + 1) * shard_rows, settings.rows)
        starts = range(number * shard_rows, end, CHUNK_ROWS)
        spans += [(start, min(start + CHUNK_ROWS, end)) for start in starts]
    return spans


def _told(chunks: Iterator[Chunk], advance: Callable[[str], None]) -> Iterator[Chunk]:
    """Pass chunks on, and tell of each with the rows per second so far."""
    begun, made = time.perf_counter(), 0
    for chunk in chunks:
        made += len(chunk.rows)
        note = f"{made / (time.perf_counter() - begun):,.0f} rows/s"
        for _ in chunk.rows:
            advance(note)
        yield chunk


def _begin(out: Path, settings: Settings, shard_rows: int, fresh: bool) -> dict[str, Any]:
    """The manifest that is there, or a new one, written at once so that it tells whose folder this is."""
    path = out / MANIFEST
    wanted = {**asdict(settings), "shard_rows": shard_rows}
    found = read_json(path) if path.is_file() else None
    if found is None:
        _check_free(out)
    elif not isinstance(found, dict) or not {"settings", "shards"} <= found.keys():
        raise InputError(f"{path}: expected the manifest of made data, got something else; choose another folder")
    elif found["shards"] and not fresh:
        _check_settings(path, found["settings"], wanted)
        _remove(out.glob(".*.part.*"))
        return found
    _remove([*out.glob("rows-*.parquet"), *out.glob(".*.part.*"), out / CARD, path])
    manifest = {"settings": wanted, **_identity(), "complete": False, "shards": {}}
    write_json(path, manifest)
    return manifest


def _identity() -> dict[str, Any]:
    versions = {name: version(name) for name in ("cadmonkey", "manifold3d", "numpy", "pyarrow")}
    return {"generator": generator_hash(), "versions": versions}


def _check_free(out: Path) -> None:
    strangers = sorted(path.name for path in out.iterdir()) if out.exists() else []
    if any(not name.startswith(".") for name in strangers):
        raise InputError(
            f"{out}: expected a new or an empty folder, or data made by this command, "
            f"got {', '.join(strangers[:3])}; choose another folder with --out"
        )


def _check_settings(path: Path, found: dict[str, Any], wanted: dict[str, Any]) -> None:
    differing = [name for name in wanted if found.get(name) != wanted[name]]
    if differing:
        was = ", ".join(f"{name} {found.get(name)}" for name in differing)
        now = ", ".join(f"{name} {wanted[name]}" for name in differing)
        raise InputError(
            f"{path}: expected the same choices as for the data in it, which has {was}; got {now}; "
            "choose another folder with --out, or start over with --fresh"
        )


def _check_generator(out: Path, manifest: dict[str, Any]) -> None:
    identity = _identity()
    if any(manifest.get(name) != value for name, value in identity.items()):
        raise InputError(
            f"{out / MANIFEST}: begun by another version of CadMonkey or of its libraries, whose rows may differ; "
            "start over with --fresh"
        )


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise explain_os_error(error, path) from error


def _remove_audit(folder: Path) -> None:
    """Remove what an audit wrote to `folder`, which goes too unless it holds something else."""
    _remove(path for name in audit.FILES if (path := folder / name).is_file())
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def _is_whole(out: Path, manifest: dict[str, Any], number: int) -> bool:
    """Whether a shard is there as the manifest has it."""
    shard, path = manifest["shards"].get(shard_name(number)), out / shard_name(number)
    return shard is not None and path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == shard["sha256"]


def _write_shard(path: Path, chunks: list[Chunk]) -> dict[str, Any]:
    """Write one shard, and return its entry in the manifest."""
    rows = [row for chunk in chunks for row in chunk.rows]
    content = parquet_bytes(rows)
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)
    return {
        "rows": len(rows),
        "size_bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "counts": {name: _counted(rows, name) for name in ("split", "family", "style")},
        "refused": [entry for chunk in chunks for entry in chunk.refused],
    }


def _counted(rows: list[Row], column: str) -> dict[str, int]:
    return dict(sorted(Counter(row[column] for row in rows if column in row).items()))


def _finish(out: Path, manifest: dict[str, Any]) -> dict[str, Any]:
    """Sum up the shards, and write the manifest and the card."""
    shards = dict(sorted(manifest["shards"].items()))
    counts: dict[str, Counter[str]] = {}
    for shard in shards.values():
        for column, numbers in shard["counts"].items():
            counts.setdefault(column, Counter()).update(numbers)
    manifest |= {
        "complete": True,
        "counts": {column: dict(sorted(numbers.items())) for column, numbers in counts.items()},
        "repeated": _repeated(out, shards),
        "refused": sum(len(shard["refused"]) for shard in shards.values()),
        "shards": shards,
    }
    write_text(out / CARD, data_card(manifest))
    write_json(out / MANIFEST, manifest)
    return manifest


def _repeated(out: Path, shards: Iterable[str]) -> dict[str, int]:
    """How many rows repeat the part, the prompt, or both, of a row before them."""
    pyarrow = import_pyarrow()
    seen: dict[str, set[bytes]] = {"part": set(), "prompt": set(), "prompt_and_part": set()}
    total = 0
    for name in shards:
        table = pyarrow.parquet.read_table(out / name, columns=["prompt", "part"]).to_pydict()
        for prompt, part in zip(table["prompt"], table["part"], strict=True):
            total += 1
            for kind, text in (("part", part), ("prompt", prompt), ("prompt_and_part", f"{part} {prompt}")):
                seen[kind].add(hashlib.blake2b(text.encode(), digest_size=12).digest())
    return {kind: total - len(members) for kind, members in seen.items()}


def core_count() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

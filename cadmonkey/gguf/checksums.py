"""SHA256SUMS: the hashes of all files of a release, which `sha256sum -c SHA256SUMS` compares."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cadmonkey.files import write_text
from cadmonkey.gguf.record import RECORD, published_names, sha256_of

CHECKSUMS = "SHA256SUMS"


def write_checksums(folder: Path, record: Mapping[str, Any]) -> None:
    """Write `folder`/SHA256SUMS over all files of the release; the GGUF files' hashes are those of the `record`."""
    known = {entry["file"]: entry["sha256"] for entry in record["files"]}
    names = sorted(published_names(folder, record))
    lines = [f"{known[name] if name in known else sha256_of(folder / name)}  {name}\n" for name in names]
    write_text(folder / CHECKSUMS, "".join(lines))


def is_finished(folder: Path) -> bool:
    """Whether all files of the release were written: the sums come last, and name the record that lies there."""
    path, record = folder / CHECKSUMS, folder / RECORD
    if not path.is_file() or not record.is_file():
        return False
    return f"{sha256_of(record)}  {RECORD}" in path.read_text(encoding="utf-8", errors="replace").splitlines()

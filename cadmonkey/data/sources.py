"""Rows of (prompt, completion) from the Hugging Face Hub or from JSONL, JSON, CSV and Parquet files."""

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cadmonkey.data.chat import Message
from cadmonkey.data.columns import read_parquet
from cadmonkey.data.formats import find_format
from cadmonkey.errors import InputError
from cadmonkey.files import read_jsonl

Row = dict[str, Any]

SPLITS = ("train", "validation", "test")
"""What a row's own column "split" may say."""

_LOCAL = (".jsonl", ".json", ".csv", ".parquet")


@dataclass(frozen=True)
class Source:
    """What was read of one source."""

    name: str
    format: str
    rows: list[Row]
    unusable: int
    """Rows of a Hub data set that were left out, because they are not what their columns promise."""


def load_rows(source: str, prompt_column: str = "", completion_column: str = "") -> Source:
    """Read every usable row of `source`: a file, a folder of `cadmonkey data make`, or a Hub id.

    A row is {"id", "prompt", "completion", "family"}: the last question and its answer. If more was said before that
    answer, "context" holds all of it, the question included. Rows of ours keep "part" and "split" (and their id).
    Files must be whole: a row that cannot be read is an error that names it. Such Hub rows are left out and counted.

    Raises:
        InputError: the source is missing or offline, of no known format, or empty.
    """
    path = Path(source)
    local = _is_local(source)
    table = read_file(path) if local else _read_hub(source)
    known = find_format(source, table[0] if table else (), prompt_column, completion_column)
    rows: list[Row] = []
    faults: list[tuple[int, InputError]] = []
    for number, cells in enumerate(table, start=1):
        try:
            rows.append(_row(source, number, known.read(cells)) | _own(cells))
        except InputError as error:
            faults.append((number, error))
    if faults and (local or not rows):
        number, fault = faults[0]
        more = f" (and {len(faults) - 1} more such rows)" if len(faults) > 1 else ""
        raise InputError(f"{_place(path, number, local)}: as {known.name}: {fault}{more}; correct or remove the row")
    return Source(source, known.name, rows, len(faults))


def _is_local(source: str) -> bool:
    """True for what is there, and for what can be no Hub id: those are owner/name, or a name alone."""
    path = Path(source)
    return path.exists() or path.suffix.lower() in _LOCAL or source.startswith((".", "/", "~")) or source.count("/") > 1


def _row(source: str, number: int, turns: list[Message]) -> Row:
    context = {"context": turns[:-1]} if len(turns) > 2 else {}
    return {
        "id": f"{Path(source).name}-{number}",
        "prompt": turns[-2]["content"],
        "completion": turns[-1]["content"],
        **context,
        "family": Path(source).stem,
    }


def _own(cells: dict[str, Any]) -> Row:
    """The split that a row brings along, and the identity and the context of a row of ours.

    Raises:
        InputError: there is no such split; a row of it would be on no side.
    """
    split = cells.get("split")
    if split is None or split == "":  # an empty cell
        return {}
    if split not in SPLITS:
        raise InputError(f"split: expected {', '.join(SPLITS[:-1])} or {SPLITS[-1]}, got {split!r}")
    if not isinstance(cells.get("part"), str):
        return {"split": split}
    kept: Row = {name: cells[name] for name in ("id", "family", "part", "split") if isinstance(cells.get(name), str)}
    return kept | ({"context": cells["context"]} if isinstance(cells.get("context"), list) else {})


def _place(path: Path, number: int, local: bool) -> str:
    """Return file:line of row `number` where rows are lines; blank ones are no rows."""
    if local and path.suffix.lower() == ".jsonl":
        lines = path.read_text(encoding="utf-8").split("\n")
        return f"{path}:{[line for line, text in enumerate(lines, start=1) if text.strip()][number - 1]}"
    return f"{path}: row {number}"


def read_file(path: Path) -> list[dict[str, Any]]:
    """Return all rows of a JSONL, JSON, CSV or Parquet file, as they are, or of a folder's Parquet files.

    Raises:
        InputError: it cannot be read as what its name says.
    """
    if path.is_dir():
        return [row for file in sorted(path.glob("*.parquet")) for row in read_parquet(file)]
    if not path.exists():
        raise InputError(f"{path}: no such file; check the path, or name a Hub data set as owner/name")
    readers = {".jsonl": read_jsonl, ".json": _read_json, ".csv": _read_csv, ".parquet": read_parquet}
    reader = readers.get(path.suffix.lower())
    if not path.is_file() or reader is None:
        raise InputError(f"{path}: expected a file that ends in {', '.join(_LOCAL)}, or a Hub id like owner/name")
    return list(reader(path))


def _read_json(path: Path) -> list[dict[str, Any]]:
    try:
        table = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: expected a JSON list of objects, got: {error}") from error
    if not isinstance(table, list) or not all(isinstance(cells, dict) for cells in table):
        raise InputError(f"{path}: expected a JSON list of objects, got something else")
    return table


def _read_csv(path: Path) -> list[dict[str, Any]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:  # Excel writes a byte-order mark
            return list(csv.DictReader(file, restkey="more"))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: expected a CSV file with a header line, got: {error}") from error


def _read_hub(source: str) -> list[dict[str, Any]]:
    """Load the train split of a Hub data set; it is fetched once, and announced by the caller."""
    from datasets import load_dataset

    try:
        dataset = load_dataset(source, split="train")
    except Exception as error:  # the Hub client raises a dozen unrelated types; each means: not to be had
        reason = str(error).strip().splitlines()[0][:160] if str(error).strip() else type(error).__name__
        raise InputError(
            f"{source}: expected a file or a Hugging Face data set that can be reached, got: {reason}; "
            "check the name and the network, or pass a local file with --datasets"
        ) from error
    return [dict(cells) for cells in dataset]

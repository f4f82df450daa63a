"""Rows of (prompt, completion) from the Hugging Face Hub or from JSONL, JSON, CSV and Parquet files."""

import csv
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cadmonkey.data.columns import read_parquet
from cadmonkey.errors import InputError
from cadmonkey.files import read_jsonl

PROMPT = "hey cadmonkey, create me a {name}"
"""How a part's name becomes a prompt, in the words of the original data sets."""

VALIDATION_PERCENT = 2
"""Share of outside rows held back for validation, by hash of the completion: equal code never sits on both sides."""

_LOCAL = (".jsonl", ".json", ".csv", ".parquet")
_COLUMNS = (("prompt", "completion"), ("name", "code"))


def load_rows(source: str) -> list[dict[str, str]]:
    """Read every usable row of `source`: a file, a folder of `cadmonkey data make`, or a Hub id.

    A row is {"id", "prompt", "completion", "family", "part", "split"}, as `make_rows` writes them but for "stated".
    Rows that have a part and a split keep them; the others are split by their completion.
    Files must be whole: a row without text is an error that names it. Hub rows without text are left out.

    Raises:
        InputError: the source is missing or offline, or lacks the columns prompt and completion, or name and code.
    """
    path = Path(source)
    local = path.suffix.lower() in _LOCAL or path.exists()
    table = read_file(path) if local else _read_hub(source)
    prompt_column, completion_column = columns_of(source, table)
    rows = []
    for number, cells in enumerate(table, start=1):
        prompt, completion = _text(cells, prompt_column), _text(cells, completion_column)
        if prompt and completion:
            wording = PROMPT.format(name=prompt) if prompt_column == "name" else prompt
            rows.append(_row(source, number, wording, completion) | _own(cells))
        elif local:
            raise InputError(f"{source}: row {number}: expected a text in {prompt_column} and {completion_column}")
    if not rows:
        raise InputError(f"{source}: expected rows with {prompt_column} and {completion_column}, got none")
    return rows


def _row(source: str, number: int, prompt: str, completion: str) -> dict[str, str]:
    part = hashlib.sha256(completion.encode()).hexdigest()
    held_out = int(part[:8], 16) % 100 < VALIDATION_PERCENT
    return {
        "id": f"{Path(source).name}-{number}",
        "prompt": prompt,
        "completion": completion,
        "family": Path(source).stem,
        "part": part,
        "split": "validation" if held_out else "train",
    }


def _own(cells: dict[str, Any]) -> dict[str, str]:
    """The identity and the split that a row of ours brings along."""
    if not all(isinstance(cells.get(name), str) for name in ("part", "split")):
        return {}
    return {name: cells[name] for name in ("id", "family", "part", "split") if isinstance(cells.get(name), str)}


def _text(cells: dict[str, Any], column: str) -> str:
    value = cells.get(column)
    return value.strip() if isinstance(value, str) else ""


def columns_of(source: str, table: Iterable[dict[str, Any]]) -> tuple[str, str]:
    """Return what the columns of prompt and completion are called in `table`.

    Raises:
        InputError: it has none.
    """
    found = list(next(iter(table), {}))
    for pair in _COLUMNS:
        if set(pair) <= set(found):
            return pair
    raise InputError(
        f"{source}: expected the columns prompt and completion (or name and code), "
        f"got {', '.join(found) or 'no rows'}; rename the columns"
    )


def read_file(path: Path) -> list[dict[str, Any]]:
    """Return all rows of a JSONL, JSON, CSV or Parquet file, as they are, or of a folder's Parquet files.

    Raises:
        InputError: it cannot be read as what its name says.
    """
    if path.is_dir():
        return [row for file in sorted(path.glob("*.parquet")) for row in read_parquet(file)]
    readers = {".jsonl": read_jsonl, ".json": _read_json, ".csv": _read_csv, ".parquet": read_parquet}
    reader = readers.get(path.suffix.lower())
    if not path.is_file() or reader is None:
        raise InputError(f"{path}: expected a file that ends in {', '.join(_LOCAL)}, or a Hub id like owner/name")
    return list(reader(path))


def _read_json(path: Path) -> list[dict[str, Any]]:
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: expected a JSON list of objects, got: {error}") from error
    if not isinstance(table, list) or not all(isinstance(cells, dict) for cells in table):
        raise InputError(f"{path}: expected a JSON list of objects, got something else")
    return table


def _read_csv(path: Path) -> list[dict[str, Any]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
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

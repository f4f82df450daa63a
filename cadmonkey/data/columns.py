"""The columns of made data: what each holds, and how it stands in a Parquet file."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from cadmonkey.errors import InputError

Row = dict[str, Any]
EXTRA = "pip install 'cadmonkey[data]'"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `text`, a list of `texts`, or `json` for what is nested and differs from row to row."""

    kind: Literal["text", "texts", "json"]
    meaning: str


COLUMNS = {
    "id": Column("text", "unique in the data: family, seed and number of the row"),
    "prompt": Column("text", "the sentence that asks for the part"),
    "completion": Column("text", "the OpenSCAD program that is the right answer"),
    "completion_ir": Column("text", "the same part in Compact IR"),
    "family": Column("text", "the part family that it was drawn from"),
    "variant": Column("text", "which form of the family it is"),
    "style": Column("text", "how the sentence is written"),
    "noise": Column("texts", "what was done to the sentence afterwards"),
    "parameters": Column("json", "every parameter of the program and its value in mm or degrees, or its count"),
    "ledger": Column("json", "which words of the sentence state each parameter"),
    "stated": Column("json", 'the numbers of the sentence as checks for the judge: `{"kind", "name", "mm" …}`'),
    "part": Column("text", "hash of the part: the same for every wording and unit of one geometry"),
    "split": Column("text", "decided by the part, so that no part is in two splits"),
}
"""By name, in their order in a file. A row that lacks one has a null there."""


def import_pyarrow() -> Any:
    """Return pyarrow with its Parquet module loaded.

    Raises:
        InputError: it is not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise InputError(
            f"Parquet: expected the package pyarrow, which is not installed; {EXTRA}, or use a .jsonl file"
        ) from error
    return pyarrow


def parquet_bytes(rows: Iterable[Row]) -> bytes:
    """Return rows as a Parquet file; equal rows give equal bytes with one version of pyarrow."""
    pyarrow = import_pyarrow()
    types = {"text": pyarrow.string(), "texts": pyarrow.list_(pyarrow.string()), "json": pyarrow.string()}
    schema = pyarrow.schema([(name, types[column.kind]) for name, column in COLUMNS.items()])
    cells = [{name: _cell(row.get(name), column) for name, column in COLUMNS.items()} for row in rows]
    buffer = pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(cells, schema), buffer, compression="zstd")
    return bytes(buffer.getvalue())


def read_parquet(path: Path) -> Iterator[Row]:
    """Yield the rows of a Parquet file, those of COLUMNS as they were before they were written.

    Raises:
        InputError: it is no whole Parquet file.
    """
    pyarrow = import_pyarrow()
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            for batch in file.iter_batches():
                yield from map(_row, batch.to_pylist())
    except (OSError, pyarrow.ArrowException) as error:
        raise InputError(f"{path}: expected a Parquet file, got: {error}") from error


def _cell(value: Any, column: Column) -> Any:
    if value is None or column.kind == "text":
        return value
    return json.dumps(value, ensure_ascii=False) if column.kind == "json" else list(value)


def _row(cells: Row) -> Row:
    """A row whose JSON is read; nulls of our own columns are left out."""
    return {name: _value(name, value) for name, value in cells.items() if value is not None or name not in COLUMNS}


def _value(name: str, value: Any) -> Any:
    if name not in COLUMNS or COLUMNS[name].kind != "json" or not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value

"""Training data of any file, read as rows of prompt and completion: nothing is left out, so that it can be audited."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cadmonkey.data.columns import Row, import_pyarrow, read_parquet
from cadmonkey.data.sources import columns_of, read_file
from cadmonkey.errors import InputError


@dataclass(frozen=True)
class Table:
    """Rows that can be gone through several times."""

    source: Path
    files: list[Path]
    columns: list[str]
    pair: tuple[str, str]
    """What the columns of prompt and completion are called here."""
    count: int
    kept: list[Row]
    """The rows of a file that cannot be read piece by piece."""

    def __iter__(self) -> Iterator[Row]:
        """Every row, with a text in `prompt` and `completion`, empty where it has none."""
        cells = self.kept if self.kept else (row for file in self.files for row in read_parquet(file))
        for row in cells:
            prompt, completion = (row.get(column) for column in self.pair)
            yield {**row, "prompt": _text(prompt), "completion": _text(completion)}


def open_table(source: Path) -> Table:
    """Open a folder of Parquet files, or one .parquet, .jsonl, .json or .csv file.

    Raises:
        InputError: there is no such thing, or it lacks the columns prompt and completion, or name and code.
    """
    files = sorted(source.glob("*.parquet")) if source.is_dir() else [source]
    if not files:
        raise InputError(f"{source}: expected a folder with .parquet files, as `cadmonkey data make` writes it")
    if files[0].suffix.lower() != ".parquet" or not files[0].is_file():
        kept = read_file(source)
        return Table(source, files, list(kept[0]) if kept else [], columns_of(str(source), kept), len(kept), kept)
    sizes, columns = zip(*map(_size_and_columns, files), strict=True)
    if not sum(sizes):
        raise InputError(f"{source}: expected rows, got none")
    return Table(source, files, columns[0], columns_of(str(source), [dict.fromkeys(columns[0])]), sum(sizes), [])


def _size_and_columns(path: Path) -> tuple[int, list[str]]:
    pyarrow = import_pyarrow()
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            return int(file.metadata.num_rows), list(file.schema_arrow.names)
    except (OSError, pyarrow.ArrowException) as error:
        raise InputError(f"{path}: expected a Parquet file, got: {error}") from error


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""

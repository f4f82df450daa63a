"""Training data of any file, read as rows of prompt and completion: nothing is left out, so that it can be audited."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cadmonkey.data.columns import Row, import_pyarrow, read_parquet
from cadmonkey.data.formats import Format, find_format
from cadmonkey.data.sources import read_file
from cadmonkey.errors import InputError


@dataclass(frozen=True)
class Table:
    """Rows that can be gone through several times."""

    source: Path
    files: list[Path]
    columns: list[str]
    format: Format
    """How a prompt and a completion are read from a row."""
    count: int
    kept: list[Row]
    """The rows of a file that cannot be read piece by piece."""

    def __iter__(self) -> Iterator[Row]:
        """Every row, with a text in `prompt` and `completion` (of a conversation the last), empty where it has none."""
        cells = self.kept if self.kept else (row for file in self.files for row in read_parquet(file))
        for row in cells:
            yield {**row, **_exchange(self.format, row)}


def open_table(source: Path) -> Table:
    """Open a folder of Parquet files, or one .parquet, .jsonl, .json or .csv file.

    Raises:
        InputError: there is no such thing, or its columns are of no known format.
    """
    files = sorted(source.glob("*.parquet")) if source.is_dir() else [source]
    if not files:
        raise InputError(f"{source}: expected a folder with .parquet files, as `cadmonkey data make` writes it")
    if files[0].suffix.lower() != ".parquet" or not files[0].is_file():
        kept = read_file(source)
        names = list(kept[0]) if kept else []
        return Table(source, files, names, find_format(str(source), names), len(kept), kept)
    sizes, columns = zip(*map(_size_and_columns, files), strict=True)
    if not sum(sizes):
        raise InputError(f"{source}: expected rows, got none")
    return Table(source, files, columns[0], find_format(str(source), columns[0]), sum(sizes), [])


def _size_and_columns(path: Path) -> tuple[int, list[str]]:
    pyarrow = import_pyarrow()
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            return int(file.metadata.num_rows), list(file.schema_arrow.names)
    except (OSError, pyarrow.ArrowException) as error:
        raise InputError(f"{path}: expected a Parquet file, got: {error}") from error


def _exchange(known: Format, row: Row) -> Row:
    try:
        turns = known.read(row)
    except InputError:
        pair = (row.get(column) for column in known.columns) if len(known.columns) == 2 else ("", "")
        prompt, completion = (value if isinstance(value, str) else "" for value in pair)
        return {"prompt": prompt, "completion": completion}
    return {"prompt": turns[-2]["content"], "completion": turns[-1]["content"]}

"""The audit of training data: one pass over the rows, a section for each question, audit.json and audit.html.

The fields of audit.json are in docs/data.md.
"""

from collections.abc import Sequence
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any, Literal, Protocol

from cadmonkey.cad.ir import parse_ir
from cadmonkey.cad.openscad import parse_openscad
from cadmonkey.cad.program import Program
from cadmonkey.data.audit_content import Balance, Gallery, HeldOut, Numbers
from cadmonkey.data.audit_labels import Labels
from cadmonkey.data.audit_lengths import Lengths
from cadmonkey.data.audit_report import write_html
from cadmonkey.data.audit_rows import Item
from cadmonkey.data.audit_twins import Twins
from cadmonkey.data.tables import Table, open_table
from cadmonkey.data.tokens import FileTokenizer, nano_tokenizer
from cadmonkey.errors import CadmonkeyError, InputError
from cadmonkey.files import write_json
from cadmonkey.terminal import progress

FOLDER, FILES = "audit", ("audit.json", "audit.html")
"""What an audit writes, and the folder beside the data where it does if it is not told another."""
SNIFFED = 100
"""Rows that tell in which language the completions are."""

Language = Literal["openscad", "ir", "other"]
_PARSERS = {"openscad": parse_openscad, "ir": parse_ir}


class Section(Protocol):
    """One question that the audit asks of every row."""

    def add(self, item: Item) -> None:
        """Look at a row."""

    def result(self) -> dict[str, Any]:
        """What was found in all."""


def audit(
    source: Path, out: Path, tokenizer: Path | None = None, max_seq_length: int = 1024, *, verify: bool = False
) -> dict[str, Any]:
    """Audit a folder or file, write audit.json and audit.html to `out`, and return what audit.json holds.

    Args:
        source: see `open_table`.
        out: the folder for both files.
        tokenizer: folder of the tokenizer to count with; the nano model's if None.
        max_seq_length: the longest row in tokens that training would take.
        verify: check every row of made data with the judge.

    Raises:
        InputError: the source or the tokenizer cannot be read.
    """
    table = open_table(source)
    language = language_of(table)
    lengths = Lengths(_tokenizer(tokenizer), max_seq_length)
    sections: dict[str, Section] = {
        "balance": Balance(),
        "lengths": lengths,
        "twins": Twins(table.count),
        "labels": Labels(lengths, verify=verify),
    }
    if language != "other":
        sections |= {"numbers": Numbers(), "held_out": HeldOut(), "gallery": Gallery()}
    _look_at_all(table, language, list(sections.values()))
    result: dict[str, Any] = {
        "source": source.name,
        "version": version("cadmonkey"),
        "rows": table.count,
        "columns": table.columns,
        "format": table.format.name,
        "language": language,
        **{name: section.result() for name, section in sections.items()},
    }
    pictures = result["gallery"].pop("pictures") if "gallery" in result else []
    figures, page = FILES
    write_json(out / figures, result)
    write_html(out / page, result, pictures)
    return result


def language_of(table: Table) -> Language:
    """The notation in which most of the first completions parse, if any."""
    texts = [row["completion"] for row in islice(table, SNIFFED) if row["completion"].strip()]
    parsed = {name: sum(_parses(name, text) for text in texts) for name in ("openscad", "ir")}
    if not texts or 2 * max(parsed.values()) < len(texts):
        return "other"
    return "openscad" if parsed["openscad"] >= parsed["ir"] else "ir"


def _tokenizer(folder: Path | None) -> FileTokenizer | None:
    """The tokenizer asked for; without a wish none, where there is no package to read one with."""
    if folder is not None:
        return FileTokenizer(folder if folder.is_dir() else folder.parent)
    try:
        return nano_tokenizer()
    except InputError:
        return None


def _look_at_all(table: Table, language: Language, sections: Sequence[Section]) -> None:
    with progress("rows", table.count) as advance:
        for number, row in enumerate(table, start=1):
            program, fault = _program(language, row["completion"])
            item = Item(number, row, program, fault)
            for section in sections:
                section.add(item)
            advance("")


def _program(language: Language, text: str) -> tuple[Program | None, str]:
    if language == "other" or not text.strip():
        return None, ""
    try:
        return _PARSERS[language](text), ""
    except CadmonkeyError as error:
        return None, str(error)


def _parses(language: Language, text: str) -> bool:
    return _program(language, text)[0] is not None

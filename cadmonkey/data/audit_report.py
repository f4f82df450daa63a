"""The audit as people read it: tables at the terminal, and a page that opens from disk."""

from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from cadmonkey.data.audit_labels import PROBLEMS
from cadmonkey.data.audit_rows import PERCENTILES
from cadmonkey.files import write_text

Line = tuple[str, str, str]
"""What, how many, and a remark or the first example."""
SHOWN = 12
"""Values of a column that the terminal shows."""
OF_PARTS = ("prompt and completion", "name and code")
"""The formats in which parts are written; that a conversation is no CAD is not worth a line."""


def print_audit(result: Mapping[str, Any]) -> None:
    """Print the tables to stdout."""
    from rich.console import Console
    from rich.table import Table

    console = Console(soft_wrap=False)
    for title, headings, lines in tables(result, SHOWN):
        table = Table(title=title, title_justify="left", title_style="bold")
        for at, heading in enumerate(headings):
            table.add_column(heading, justify="left" if at in (0, len(headings) - 1) else "right", overflow="fold")
        for line in lines:
            table.add_row(*(_plain(cell) for cell in line))
        console.print(table)


def write_html(path: Path, result: Mapping[str, Any], pictures: Sequence[Mapping[str, Any]]) -> None:
    """Write audit.html, which needs no other file."""
    from jinja2 import Environment

    source = (resources.files("cadmonkey.data") / "audit.html.j2").read_text(encoding="utf-8")
    template = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(source)
    page = template.render(
        result=result, tables=list(tables(result, None)), histograms=list(_histograms(result)), pictures=pictures
    )
    write_text(path, page)


def tables(result: Mapping[str, Any], most: int | None) -> Iterator[tuple[str, Sequence[str], list[Sequence[str]]]]:
    """Title, headings and lines of every table that has any; at most `most` values of a column."""
    yield from (table for table in _tables(result, most) if table[2])


def _tables(result: Mapping[str, Any], most: int | None) -> Iterator[tuple[str, Sequence[str], list[Sequence[str]]]]:
    yield f"{result['source']}: {result['rows']:,} rows", ("what", "rows", "first example"), list(_problems(result))
    yield _lengths(result)
    for column, counts in result["balance"].items():
        total = sum(counts.values())
        lines = [(name, f"{n:,}", f"{100 * n / total:.1f} %") for name, n in list(counts.items())[:most]]
        rest = len(counts) - len(lines)
        yield column, ("value", "rows", "share"), [*lines, *([(f"{rest} more", "", "")] if rest else [])]
    if "numbers" in result:
        yield from _numbers(result["numbers"])


def _problems(result: Mapping[str, Any]) -> Iterator[Line]:
    twins, labels = result["twins"], result["labels"]
    part = "part" if result["language"] != "other" else "completion"
    for name, meaning in PROBLEMS.items():
        if _is_looked_for(name, result):
            yield _line(meaning, labels["problems"][name])
    yield _line("the same row again", twins["repeated_rows"])
    yield _line("the same prompt again", twins["repeated_prompts"])
    yield _line(f"the same prompt for another {part}", twins["repeated_prompts_of_two_parts"])
    yield _line(f"the same {part} again", twins["repeated_parts"])
    near = twins["near_prompts"]
    yield _line(f"nearly the same prompt (of {near['looked_at']:,} looked at)", near)
    for name, finding in (twins["leaks"] or {}).items():
        what = f"{part}s" if name == "parts" else name.replace("_", " ")
        yield _line(f"{what} in two splits", finding)
    if "held_out" in result:
        yield _line("of a held-out family, in another split", result["held_out"]["families"])
        yield _line("with a held-out size, in another split", result["held_out"]["band"])
    if _lacks_programs(result):
        yield "programs", "", "the completions are neither OpenSCAD nor Compact IR: not looked at as CAD"
    if twins["leaks"] is None:
        yield "splits", "", "there is no column split: not looked for leaks"
    if result["lengths"]["unit"] != "tokens":
        yield "tokens", "", "the package tokenizers is not installed: lengths are in characters"


def _lacks_programs(result: Mapping[str, Any]) -> bool:
    """Whether the completions should perhaps be programs, and are not."""
    return result["language"] == "other" and result["format"] in OF_PARTS


def _is_looked_for(problem: str, result: Mapping[str, Any]) -> bool:
    if problem == "not_verified":
        return bool(result["labels"]["verified_rows"])
    if problem == "ledger":
        return bool(result["labels"]["rows_with_ledger"])
    return problem not in ("does_not_parse", "no_end", "number_not_in_program") or result["language"] != "other"


def _line(what: str, finding: Mapping[str, Any]) -> Line:
    first = finding["examples"][0] if finding["examples"] else None
    return what, f"{finding['rows']:,}", f"row {first['row']}: {first['what']}" if first else ""


def _lengths(result: Mapping[str, Any]) -> tuple[str, Sequence[str], list[Sequence[str]]]:
    lengths = result["lengths"]
    title = f"lengths in {lengths['unit']}" + (
        f" of the {lengths['tokenizer']} tokenizer" if lengths["tokenizer"] else ""
    )
    headings = ("what", *(f"{p} %" for p in PERCENTILES))
    lines = [
        (name, *(f"{lengths[name]['percentiles'][str(p)]:,.0f}" for p in PERCENTILES))
        for name in ("prompt", "completion", "row")
        if lengths[name]["count"]
    ]
    return title, headings, list(lines)


def _numbers(numbers: Mapping[str, Any]) -> Iterator[tuple[str, Sequence[str], list[Sequence[str]]]]:
    if numbers["stated_mm"]["count"]:
        line = [f"{value:,.1f}" for value in numbers["stated_mm"]["percentiles"].values()]
        yield "stated sizes in mm", [f"{p} %" for p in PERCENTILES], [line]
    for what, counts in (("units in prompts", numbers["units"]), ("decimals of numbers", numbers["decimals"])):
        total = sum(counts.values()) or 1
        lines: list[Sequence[str]] = [(name, f"{n:,}", f"{100 * n / total:.1f} %") for name, n in counts.items()]
        yield what, ("value", "count", "share"), lines


def _histograms(result: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Title, and height in percent and label of every bar."""
    figures = {
        f"{name}, {result['lengths']['unit']}": result["lengths"][name] for name in ("prompt", "completion", "row")
    }
    if "numbers" in result:
        figures |= {
            "stated sizes, mm": result["numbers"]["stated_mm"],
            "numbers in a prompt": result["numbers"]["numbers_per_prompt"],
        }
    for title, figure in figures.items():
        if figure["count"]:
            edges, counts = figure["histogram"]["edges"], figure["histogram"]["counts"]
            highest = max(*counts, 1)
            bars = [
                {"height": 100 * count / highest, "label": f"{edges[at]:g} to {edges[at + 1]:g}: {count:,}"}
                for at, count in enumerate(counts)
            ]
            above = f"{figure['histogram']['above']:,} above" if figure["histogram"]["above"] else ""
            yield {"title": title, "bars": bars, "low": f"{edges[0]:g}", "high": f"{edges[-1]:g}", "above": above}


def _plain(cell: str) -> str:
    """The text, safe from being read as rich's markup."""
    return cell.replace("[", r"\[")

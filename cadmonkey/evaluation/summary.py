"""The table of scores at the end of a run."""

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table

COLUMNS = {
    "parses": "parses",
    "solid": "solid",
    "bodies": "bodies",
    "box": "box",
    "volume": "volume",
    "iou": "IoU",
    "all_pass": "all-pass",
    "ends_on_end_token": "stops",
}
"""Score -> heading; the order of the columns here and in the report."""


def score_table(scores: dict[str, Any]) -> "Table":
    """Return the scores per family, with the total as the last row."""
    from rich.table import Table

    table = Table(title="Scores on unseen parts", title_justify="left")
    table.add_column("family")
    table.add_column("parts", justify="right")
    for name, heading in COLUMNS.items():
        table.add_column(heading, justify="right", style="bold" if name == "all_pass" else "")
    for row in _rows(scores):
        table.add_row(*row)
    table.rows[-2 if len(table.rows) > 1 else -1].end_section = True
    return table


def print_scores(scores: dict[str, Any]) -> None:
    """Print the table on a terminal, and plain lines of tab-separated cells elsewhere."""
    if sys.stdout.isatty():
        from rich.console import Console

        Console().print(score_table(scores))
        return
    for row in [["family", "parts", *COLUMNS.values()], *_rows(scores)]:
        print("\t".join(row))


def shown(name: str, value: float) -> str:
    """Return a score as people read it: IoU with three digits, shares in per cent."""
    if name == "iou":
        return f"{value:.3f}"
    # 2999 of 3000 must not read as 100 %.
    return f"{min(round(value * 100, 1), 99.9) if value < 1 else 100:g} %"


def _rows(scores: dict[str, Any]) -> list[list[str]]:
    lines = [*scores["families"].items(), ("total", scores["total"])]
    return [[name, str(line["count"]), *(shown(key, line[key]) for key in COLUMNS)] for name, line in lines]

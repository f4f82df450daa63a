"""The table of scores at the end of a run."""

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table

COLUMNS = {
    "parses": "parses",
    "solid": "solid",
    "bodies": "bodies",
    "features": "features",
    "dimensions": "dimensions",
    "box": "box",
    "volume": "volume",
    "iou": "IoU",
    "all_pass": "all-pass",
    "ends_on_end_token": "stops",
}
"""Score -> heading; the order of the columns here and in the report."""
INTERVAL = "all_pass_interval"
HEADINGS = {
    key: heading
    for name, text in COLUMNS.items()
    for key, heading in ({name: text, INTERVAL: "95 % interval"} if name == "all_pass" else {name: text}).items()
}
"""The columns, with the confidence interval of the headline behind it."""


def score_table(scores: dict[str, Any]) -> "Table":
    """Return the scores per family and per kind of prompt, with the total as the last row."""
    from rich.table import Table

    table = Table(title="Scores on unseen parts", title_justify="left")
    table.add_column("family")
    table.add_column("parts", justify="right")
    for name, heading in HEADINGS.items():
        table.add_column(heading, justify="right", style="bold" if name == "all_pass" else "")
    for part in ("families", "kinds"):
        for row in _rows(scores[part]):
            table.add_row(*row)
        table.add_section()
    table.add_row(*_rows({"total": scores["total"]})[0])
    return table


def print_scores(scores: dict[str, Any]) -> None:
    """Print the table on a terminal, and plain lines of tab-separated cells elsewhere."""
    if sys.stdout.isatty():
        from rich.console import Console

        Console().print(score_table(scores))
        return
    rows = _rows({**scores["families"], **scores["kinds"], "total": scores["total"]})
    for row in [["family", "parts", *HEADINGS.values()], *rows]:
        print("\t".join(row))


def shown(name: str, value: float) -> str:
    """Return a score as people read it: IoU with three digits, shares in per cent."""
    if name == "iou":
        return f"{value:.3f}"
    # 2999 of 3000 must not read as 100 %.
    return f"{min(round(value * 100, 1), 99.9) if value < 1 else 100:g} %"


def interval_text(line: dict[str, Any], name: str = "all_pass") -> str:
    """Return the confidence interval of a score as people read it: `68.1–81.4 %`."""
    low, high = (shown(name, bound).removesuffix(" %") for bound in line["interval"][name])
    return f"{low}–{high}" + ("" if name == "iou" else " %")


def cells(line: dict[str, Any]) -> dict[str, str]:
    """Return a line of scores as the columns of HEADINGS show it; a score that it lacks is not known."""
    texts = {name: shown(name, line[name]) if name in line else "not known" for name in HEADINGS}
    return texts | {INTERVAL: interval_text(line)}


def _rows(lines: dict[str, dict[str, Any]]) -> list[list[str]]:
    return [[name, str(line["count"]), *cells(line).values()] for name, line in lines.items()]

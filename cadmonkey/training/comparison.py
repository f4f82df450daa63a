"""Runs on the same rows side by side: compare.json and a table."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from cadmonkey.errors import InputError
from cadmonkey.files import read_json, read_jsonl, write_json

_SHOWN: dict[str, tuple[str, Callable[[Any], str]]] = {
    "steps": ("steps", "{:,}".format),
    "train_loss": ("train loss", "{:.4f}".format),
    "eval_loss": ("held-out loss", "{:.4f}".format),
    "perplexity": ("perplexity", "{:.3f}".format),
    "token_accuracy": ("token accuracy", "{:.1%}".format),
    "p_end": ("P(end)", "{:.3f}".format),
    "exact_match": ("exact answers", "{:.1%}".format),
    "tokens_per_second": ("tokens/s", "{:,.0f}".format),
    "seconds": ("seconds", "{:,.0f}".format),
    "peak_memory_bytes": ("peak memory", lambda value: f"{value / 2**30:.2f} GiB"),
}
"""Field of compare.json -> heading, and how a value is shown."""


def check_same_rows(folders: Sequence[Path]) -> None:
    """Make sure that the runs learn and are asked the same rows.

    Raises:
        InputError: they do not.
    """
    first, *others = ((folder, read_json(folder / "recipe.json").get("data_sha256")) for folder in folders)
    for folder, hashes in others:
        if hashes != first[1]:
            raise InputError(
                f"{folder}: expected the rows of {first[0]}, got others; choose another --out, or add --fresh"
            )


def compare_runs(folders: Sequence[Path], out: Path) -> list[dict[str, Any]]:
    """Write `out`/compare.json: for each finished run what it reached on the held-out rows, and what it took.

    Raises:
        InputError: a run is not finished.
    """
    lines = [read_outcome(folder) for folder in folders]
    write_json(out / "compare.json", lines)
    return lines


def read_outcome(folder: Path) -> dict[str, Any]:
    """Return the fields of compare.json for one run; what was not measured is None.

    The training loss is the last one logged, `tokens_per_second` the median of all.
    """
    metrics = read_jsonl(folder / "metrics.jsonl")
    speeds = [line["tokens_per_second"] for line in metrics if "tokens_per_second" in line]
    resources = read_json(folder / "resources.json")
    answers = folder / "answers.json"
    return {
        "run": folder.name,
        "preset": read_json(folder / "recipe.json")["preset"],
        "steps": metrics[-1]["step"],
        "train_loss": _last(metrics, "loss"),
        "eval_loss": _last(metrics, "eval_loss"),
        "perplexity": _last(metrics, "eval_perplexity"),
        "token_accuracy": _last(metrics, "eval_token_accuracy"),
        "p_end": read_json(folder / "end_token.json")["mean"],
        "exact_match": read_json(answers)["exact_match"] if answers.is_file() else None,
        "tokens_per_second": median(speeds) if speeds else None,
        **resources,
    }


def _last(lines: list[dict[str, Any]], name: str) -> Any:
    return next((line[name] for line in reversed(lines) if line.get(name) is not None), None)


def print_comparison(lines: Sequence[dict[str, Any]]) -> None:
    """Print one column a run: a table on a terminal, lines of tab-separated cells elsewhere."""
    rows = [("", *(str(line["run"]) for line in lines))]
    rows += [(heading, *(_cell(line, name, show) for line in lines)) for name, (heading, show) in _SHOWN.items()]
    if not sys.stdout.isatty():
        for row in rows:
            print("\t".join(row))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(title="The runs on the same rows", title_justify="left")
    for heading in rows[0]:
        table.add_column(heading, justify="right" if heading else "left")
    for row in rows[1:]:
        table.add_row(*row)
    Console().print(table)


def _cell(line: dict[str, Any], name: str, show: Callable[[Any], str]) -> str:
    value = line.get(name)
    if value is None:
        return "–"
    return f"{show(value)} since resumed" if name == "seconds" and line["resumed"] else show(value)

"""report.html: one file that opens from disk, with the run's choices, its loss curve, the scores and a gallery."""

import json
import math
from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import Any

from cadmonkey.cad.dimensions import failure_text
from cadmonkey.cad.workers import work
from cadmonkey.evaluation.sheet import in_turn, verdict_words
from cadmonkey.evaluation.summary import HEADINGS, cells, interval_text
from cadmonkey.files import read_json, write_text

Row = dict[str, Any]

GALLERY = 240
"""Most parts that the gallery shows, failures first; each takes about 10 kB."""
PICTURE = (320, 240)
COLOURS = 128
CURVE = (860, 260)
"""Size of the loss curve in SVG units."""
FIGURES = {"all_pass": "all-pass", "iou": "mean IoU", "ends_on_end_token": "end on the end token"}
"""The scores in large type, as far as they are known."""
RECIPE_FIELDS = (
    "preset",
    "base_model",
    "engine",
    "own_parts",
    "num_train_epochs",
    "max_steps",
    "learning_rate",
    "lora_rank",
    "lora_alpha",
    "per_device_train_batch_size",
    "gradient_accumulation_steps",
    "max_seq_length",
    "seed",
)
PREDICTION_FIELDS = ("model", "prompts", "tokens", "tokens_per_s", "temperature", "max_tokens")


def write_report(
    path: Path, parts: list[Row], scores: dict[str, Any], run: Path, *, processes: int | None = None
) -> None:
    """Write the report of judged parts; `run` is the folder whose recipe and metrics it shows, where it has them."""
    from jinja2 import Environment

    source = (resources.files("cadmonkey.evaluation") / "report.html.j2").read_text(encoding="utf-8")
    template = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(source)
    chosen = failures_first(parts)[:GALLERY]
    total = scores["total"]
    page = template.render(
        title=run_title(run),
        summary=run_summary(run),
        total=total,
        figures={name: words for name, words in FIGURES.items() if name in total},
        total_cells=cells(total),
        intervals={name: interval_text(total, name) for name in total["interval"]},
        tables={
            "Scores by family": score_rows({**scores["families"], "total": total}),
            "Scores by kind of prompt": score_rows(scores["kinds"]),
        },
        headings=HEADINGS,
        curve=loss_curve(_json_lines(run / "metrics.jsonl")),
        cards=gallery(chosen, processes),
        left_out=len(parts) - len(chosen),
        families=sorted(scores["families"]),
        failed=sum(not part["verdict"]["all_pass"] for part in parts),
    )
    write_text(path, page)


def failures_first(parts: list[Row]) -> list[Row]:
    """Return failures, then the others with the families in turn."""
    return [part for part in parts if not part["verdict"]["all_pass"]] + in_turn(
        [part for part in parts if part["verdict"]["all_pass"]]
    )


def gallery(parts: list[Row], processes: int | None = None) -> list[Row]:
    """Return what the cards show: the parts with their pictures and faults.

    Failures also show the part that was wanted, and a solid that is not it the difference of the two.
    """
    cards = [{**part, "words": verdict_words(part), "faults": faults(part["verdict"])} for part in parts]
    drawn = [(card, "png", {"do": "picture", "code": card["code"]}) for card in cards]
    for card in cards:
        if not card["verdict"]["all_pass"]:
            drawn.append((card, "wanted_png", {"do": "picture", "code": card["reference"]}))
        if card["verdict"]["solid"] and not card["verdict"]["all_pass"]:
            both = {"code": card["code"], "reference": card["reference"]}
            drawn.append((card, "difference_png", {"do": "difference", **both}))
    requests = [{**request, "size": PICTURE, "colours": COLOURS} for _, _, request in drawn]
    for (card, name, _), answer in zip(drawn, work(requests, processes=processes), strict=True):
        card[name] = answer.get("png")
    return cards


def faults(verdict: Row) -> list[str]:
    """Return all that the judge names: missing and spurious features, and the dimensions that do not hold."""
    wrong = [failure_text(check) for check in verdict["dimensions"] if not check["ok"]]
    return [*verdict["missing"], *verdict["spurious"], *wrong]


def score_rows(lines: dict[str, Any]) -> list[Row]:
    """Return the lines of a score table."""
    return [
        {"name": name, "count": line["count"], "share": line["all_pass"], "cells": cells(line)}
        for name, line in lines.items()
    ]


def run_title(run: Path) -> str:
    """Return the folder's name, or "predictions" for a bare file."""
    return run.resolve().name if (run / "recipe.json").is_file() else "predictions"


def run_summary(run: Path) -> dict[str, str]:
    """Return the choices worth showing from recipe.json and predictions.json, where the folder has them."""
    found: dict[str, str] = {}
    for name, fields in (("recipe.json", RECIPE_FIELDS), ("predictions.json", PREDICTION_FIELDS)):
        if (run / name).is_file():
            content = read_json(run / name)
            values = content if isinstance(content, dict) else {}
            found |= {field.replace("_", " "): _plain(values[field]) for field in fields if field in values}
    return found


def _plain(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) and abs(value) >= 10_000 else str(value)


def _json_lines(path: Path) -> list[Row]:
    """Return the lines of metrics.jsonl; none where there is no such file. A last, torn line does not count."""
    if not path.is_file():
        return []
    lines = []
    for text in path.read_text(encoding="utf-8").split("\n"):
        try:
            lines.append(dict(json.loads(text)))
        except (ValueError, TypeError):
            continue
    return lines


def loss_curve(metrics: list[Row]) -> Row | None:
    """Return what the SVG draws: polylines of training and held-out loss over steps (log scale), ticks and labels."""
    curves = {"training": _points(metrics, "loss"), "held-out": _points(metrics, "eval_loss")}
    values = [loss for points in curves.values() for _, loss in points]
    steps = [step for points in curves.values() for step, _ in points]
    if len(set(steps)) < 2:
        return None
    width, height = CURVE
    left, right, top, bottom = 56, 16, 14, 34
    low, high = math.log10(min(values)) - 0.04, math.log10(max(values)) + 0.04

    def x(step: float) -> float:
        return round(left + (width - left - right) * (step - min(steps)) / (max(steps) - min(steps)), 1)

    def y(loss: float) -> float:
        return round(top + (height - top - bottom) * (high - math.log10(loss)) / (high - low), 1)

    return {
        "width": width,
        "height": height,
        "left": left,
        "right": width - right,
        "bottom": height - bottom,
        "lines": {name: " ".join(f"{x(s)},{y(v)}" for s, v in points) for name, points in curves.items() if points},
        "ends": {name: (x(p[-1][0]), y(p[-1][1]), p[-1][1]) for name, p in curves.items() if p},
        "y_ticks": [(y(value), f"{value:g}") for value in _log_ticks(10**low, 10**high)],
        "x_ticks": [(x(value), f"{value:,}") for value in _linear_ticks(min(steps), max(steps))],
    }


def _points(metrics: list[Row], name: str) -> list[tuple[int, float]]:
    usable = [line for line in metrics if isinstance(line.get(name), (int, float)) and "step" in line]
    return [(line["step"], line[name]) for line in usable if math.isfinite(line[name]) and line[name] > 0]


def _log_ticks(low: float, high: float) -> list[float]:
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for digits in ((1,), (1, 3), (1, 2, 5), range(1, 10)):
        ticks = [digit * 10.0**decade for decade in decades for digit in digits]
        ticks = [round(tick, 9) for tick in ticks if low <= tick <= high]
        if len(ticks) >= 3:
            return ticks
    return ticks


def _linear_ticks(low: int, high: int) -> Iterable[int]:
    rough = max((high - low) / 6, 1)
    magnitude = 10 ** math.floor(math.log10(rough))
    step = int(next(magnitude * factor for factor in (1, 2, 5, 10) if magnitude * factor >= rough))
    return range(-(-low // step) * step, high + 1, step)

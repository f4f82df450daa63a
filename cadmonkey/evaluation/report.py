"""report.html: one file that opens from disk, with the run's choices, its loss curve, the scores and a gallery."""

import json
import math
from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import Any

from cadmonkey.evaluation.sheet import in_turn, verdict_words
from cadmonkey.evaluation.summary import COLUMNS, shown
from cadmonkey.evaluation.workers import work
from cadmonkey.files import read_json, write_text

Row = dict[str, Any]

GALLERY = 240
"""Most parts that the gallery shows, failures first; each takes about 10 kB."""
PICTURE = (320, 240)
COLOURS = 128
CURVE = (860, 260)
"""Size of the loss curve in SVG units."""
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
    page = template.render(
        title=run_title(run),
        summary=run_summary(run),
        total=scores["total"],
        table=score_rows(scores),
        headings=COLUMNS,
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
    """Return what the cards show: the parts with their pictures, and for failures the part that was wanted."""
    codes = [part["code"] for part in parts]
    wanted = [index for index, part in enumerate(parts) if not part["verdict"]["all_pass"]]
    codes += [parts[index]["reference"] for index in wanted]
    requests = [{"do": "picture", "code": code, "size": PICTURE, "colours": COLOURS} for code in codes]
    pictures = [answer.get("png") for answer in work(requests, processes=processes)]
    cards = [{**part, "png": png, "words": verdict_words(part)} for part, png in zip(parts, pictures, strict=False)]
    for index, png in zip(wanted, pictures[len(parts) :], strict=True):
        cards[index]["wanted_png"] = png
    return cards


def score_rows(scores: dict[str, Any]) -> list[Row]:
    """Return the lines of the score table, the total last."""
    lines = [*scores["families"].items(), ("total", scores["total"])]
    return [
        {"family": family, "count": line["count"], "share": line["all_pass"]}
        | {"cells": {name: shown(name, line[name]) for name in COLUMNS}}
        for family, line in lines
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

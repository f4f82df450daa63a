"""Scores of judged parts: means with confidence intervals, in total, per family and per kind of prompt."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np

Row = dict[str, Any]

SCORES: dict[str, Callable[[Row], float]] = {
    "parses": lambda part: part["verdict"]["parses"],
    "solid": lambda part: part["verdict"]["solid"],
    "bodies": lambda part: part["verdict"]["bodies_ok"],
    "features": lambda part: part["verdict"]["features_ok"],
    "dimensions": lambda part: part["verdict"]["dimensions_ok"],
    "box": lambda part: part["verdict"]["box_ok"],
    "volume": lambda part: part["verdict"]["volume_ok"],
    "iou": lambda part: part["verdict"]["iou"],
    "all_pass": lambda part: part["verdict"]["all_pass"],
    "ends_on_end_token": lambda part: part["stop_reason"] == "end_token",
    "length": lambda part: part["stop_reason"] == "length",
    "reserved": lambda part: part["stop_reason"] == "reserved_token",
}
"""What scores.json holds besides the count: the mean of each over the parts, so a share from 0 to 1."""
STOPS = ("ends_on_end_token", "length", "reserved")
"""Those that are not known, and absent, where a part has no stop_reason."""

RESAMPLES = 1000
CONFIDENCE = 0.95
SEED = 0

_UNITS = {
    "mm": r"\d ?(mm|millimet(er|re)s?)\b",
    "cm": r"\d ?(cm|centimet(er|re)s?)\b",
    "inch": r"\d[ -]?(in\b(?! the)|inch(es)?\b|\")",
}
_HOLES = re.compile(r"hole|bore|bolt|inner|inside diameter|\bID\b|\bwasher\b|\btube\b|\bpipe\b", re.IGNORECASE)
_NO_HOLES = re.compile(r"\bno holes?\b|\bwithout (any )?holes?\b", re.IGNORECASE)


def score(parts: list[Row]) -> dict[str, Any]:
    """Return the scores of judged parts: "total", "families" (in alphabetical order) and "kinds" of prompt.

    Each is {"count", the names of SCORES as far as known, "interval": {name: [low, high]}}, see `mean_scores`.
    """
    families = sorted({part["family"] for part in parts})
    kinds = sorted({kind for part in parts for kind in kinds_of(part["prompt"])})
    return {
        "total": mean_scores(parts),
        "families": {f: mean_scores([part for part in parts if part["family"] == f]) for f in families},
        "kinds": {k: mean_scores([part for part in parts if k in kinds_of(part["prompt"])]) for k in kinds},
    }


def kinds_of(prompt: str) -> list[str]:
    """Return the kinds of a prompt, told from its words: the unit of its numbers, its holes, its length."""
    units = [unit for unit, words in _UNITS.items() if re.search(words, prompt, re.IGNORECASE)]
    holes = bool(_HOLES.search(_NO_HOLES.sub("", prompt)))
    words = len(prompt.split())
    length = "1 to 10" if words <= 10 else "11 to 20" if words <= 20 else "21 or more"
    return [
        f"unit: {units[0] if len(units) == 1 else 'several' if units else 'none'}",
        f"holes: {'with' if holes else 'without'}",
        f"words: {length}",
    ]


def mean_scores(parts: list[Row]) -> dict[str, Any]:
    """Return the mean of every score over `parts`, and its 95 % bootstrap confidence interval.

    The interval is the percentile bootstrap (Efron 1979): RESAMPLES draws of as many parts with replacement, from a
    generator with a fixed seed, so that the same verdicts give the same interval. It covers the choice of the parts,
    not that of the training run; where all parts agree it has no width, however few they are.
    """
    known = all(part["stop_reason"] for part in parts)
    names = [name for name in SCORES if known or name not in STOPS]
    values = np.array([[float(SCORES[name](part)) for name in names] for part in parts])
    means, low, high = values.mean(axis=0), *bootstrap_interval(values)
    return {
        "count": len(parts),
        **{name: round(float(mean), 6) for name, mean in zip(names, means, strict=True)},
        "interval": {
            name: [round(float(a), 6), round(float(b), 6)] for name, a, b in zip(names, low, high, strict=True)
        },
    }


def bootstrap_interval(values: Any) -> tuple[Any, Any]:
    """Return the percentiles of the resampled means of (parts, scores) values."""
    generator = np.random.default_rng(SEED)
    count = len(values)
    means = [values[generator.integers(0, count, count)].mean(axis=0) for _ in range(RESAMPLES)]
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(means, [tail, 1 - tail], axis=0)
    return low, high

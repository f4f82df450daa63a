"""Judging a batch: predictions joined to references by id, verdicts counted per family and per kind of prompt."""

from collections import Counter
from pathlib import Path
from typing import Any

from cadmonkey.cad.workers import TIME_LIMIT_S, work
from cadmonkey.errors import CadmonkeyError, InputError
from cadmonkey.evaluation.report import write_report
from cadmonkey.evaluation.scores import score
from cadmonkey.evaluation.sheet import write_sheet
from cadmonkey.files import read_jsonl, write_json, write_jsonl
from cadmonkey.terminal import progress

Row = dict[str, Any]

FAILED: Row = {
    "parses": False,
    "solid": False,
    "bodies_ok": False,
    "box_ok": False,
    "volume_ok": False,
    "features_ok": False,
    "dimensions_ok": False,
    "all_pass": False,
    "iou": 0.0,
    "iou_rotated": 0.0,
    "deviation_mm": None,
    "dimensions": [],
    "missing": [],
    "spurious": [],
}
"""The verdict of a program that the judge could not finish."""

_JUDGED = ("code", "reference", "stated")


def evaluate(
    predictions: Path,
    references: Path,
    out: Path,
    *,
    time_limit_s: float = TIME_LIMIT_S,
    processes: int | None = None,
) -> dict[str, Any]:
    """Judge every prediction against the reference with its id; failures count as 0.

    Writes `out`/scores.json (what is returned), verdicts.jsonl (one line a part), report.html and sheet.png. The
    report also shows recipe.json, metrics.jsonl and predictions.json where they lie beside the predictions.

    Args:
        predictions: lines {"id", "prompt", "code", "stop_reason", …}; where a line lacks the last, no score of the
            lines that are scored with it says how they ended.
        references: lines {"id", "prompt", "completion", "family", "stated"}; the last two may be absent. "stated" is
            the list of dimensions in the sentence (see `cadmonkey.cad.dimensions`); without it a part is judged by
            its reference alone.
        out: folder.
        time_limit_s: for one part; one that takes longer fails.
        processes: None: one per core.

    Returns:
        {"total": scores, "families": {name: scores}, "kinds": {name: scores}}, see `cadmonkey.evaluation.scores`.

    Raises:
        InputError: a file cannot be read, or an id is missing or comes twice.
    """
    parts = join(predictions, references)
    with progress("judge", len(parts)) as advance:
        requests = [{"do": "verdict", **{name: part[name] for name in _JUDGED}} for part in parts]
        answers = work(requests, processes=processes, time_limit_s=time_limit_s, done=lambda _: advance(""))
    for part, answer in zip(parts, answers, strict=True):
        if "bad_reference" in answer:
            raise InputError(f"{references}: id {part['id']!r}: {answer['bad_reference']}")
        part["verdict"] = answer.get("verdict") or {**FAILED, "reason": answer["failed"]}
    scores = score(parts)
    write_jsonl(out / "verdicts.jsonl", ({"id": p["id"], "family": p["family"], **p["verdict"]} for p in parts))
    write_json(out / "scores.json", scores)
    write_sheet(out / "sheet.png", parts, processes=processes)
    write_report(out / "report.html", parts, scores, predictions.parent, processes=processes)
    return scores


def are_parts(references: Path) -> bool:
    """True if every reference is an OpenSCAD program of a solid, so that answers can be judged in millimetres."""
    from cadmonkey.cad.openscad import parse_openscad
    from cadmonkey.cad.solid import solid

    try:
        return not any(solid(parse_openscad(row["completion"])).is_empty() for row in read_jsonl(references))
    except CadmonkeyError:
        return False


def join(predictions: Path, references: Path) -> list[Row]:
    """Return {"id", "family", "prompt", "code", "reference", "stated", "stop_reason"} of each prediction, in order.

    A stop_reason that is not known is empty.

    Raises:
        InputError: a file cannot be read or is empty, an id comes twice, or stands in one file only.
    """
    made = _by_id(predictions, ["id", "prompt"])
    wanted = _by_id(references, ["id", "completion"])
    _same_ids(predictions, made.keys() - wanted.keys(), references)
    _same_ids(references, wanted.keys() - made.keys(), predictions)
    for row in made.values():
        if not isinstance(row.get("code"), str):
            raise InputError(f'{predictions}: expected a text in "code" of id {row["id"]!r}, got {row.get("code")!r}')
    for row in wanted.values():
        if not _is_stated(row.get("stated") or []):
            raise InputError(f'{references}: expected a list of objects in "stated" of id {row["id"]!r}')
    return [
        {
            "id": name,
            "family": str(wanted[name].get("family") or "all"),
            "prompt": row["prompt"],
            "code": row["code"],
            "reference": wanted[name]["completion"],
            "stated": wanted[name].get("stated") or [],
            "stop_reason": str(row.get("stop_reason") or ""),
        }
        for name, row in made.items()
    ]


def _is_stated(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(dimension, dict) for dimension in value)


def _by_id(path: Path, columns: list[str]) -> dict[str, Row]:
    rows = read_jsonl(path, columns)
    if not rows:
        raise InputError(f"{path}: expected at least one line, got none")
    twice = [name for name, count in Counter(row["id"] for row in rows).items() if count > 1]
    if twice:
        raise InputError(f'{path}: expected every "id" once, got {twice[0]!r} {_times(twice)}; remove the repeats')
    return {row["id"]: row for row in rows}


def _times(twice: list[str]) -> str:
    return "more than once" if len(twice) == 1 else f"and {len(twice) - 1} others more than once"


def _same_ids(path: Path, lonely: set[str], other: Path) -> None:
    if lonely:
        first, more = min(lonely), f" and {len(lonely) - 1} others" if len(lonely) > 1 else ""
        raise InputError(f"{path}: id {first!r}{more} missing in {other}; both files must be of the same prompts")

"""Answers of any kind against those expected: how many are the same text, and how they ended."""

from pathlib import Path
from typing import Any

import numpy as np

from cadmonkey.evaluation.evaluate import join
from cadmonkey.evaluation.scores import bootstrap_interval
from cadmonkey.evaluation.summary import interval_text, shown
from cadmonkey.files import write_json


def compare_answers(predictions: Path, references: Path, out: Path) -> dict[str, Any]:
    """Write `out`/answers.json and return it: shares of the answers, with the 95 % interval of exact matches.

    Two texts are an exact match if they differ at most in how much white space stands between words. That is a low
    bound for prose, where many answers are right, and the score itself for labels, numbers and code.

    Raises:
        InputError: a file cannot be read, or an id is missing or comes twice.
    """
    answers = join(predictions, references)
    exact = [answer["code"].split() == answer["reference"].split() for answer in answers]
    low, high = bootstrap_interval(np.array(exact, dtype=float)[:, None])
    found = {
        "count": len(answers),
        "exact_match": round(sum(exact) / len(exact), 6),
        "interval": {"exact_match": [round(float(low[0]), 6), round(float(high[0]), 6)]},
        **{
            name: round(sum(answer["stop_reason"] == name for answer in answers) / len(answers), 6)
            for name in ("end_token", "other_end_token", "length", "reserved_token")
        },
    }
    write_json(out / "answers.json", found)
    return found


def print_answers(found: dict[str, Any]) -> None:
    """Say on one line how the answers came out."""
    print(
        f"answers: {found['count']} held-out prompts: {shown('exact_match', found['exact_match'])} word for word as "
        f"expected (95 % interval {interval_text(found, 'exact_match')}); {shown('end_token', found['end_token'])} "
        f"ended on the end token, {shown('other_end_token', found['other_end_token'])} on another, "
        f"{shown('length', found['length'])} on length, "
        f"{shown('reserved_token', found['reserved_token'])} with a reserved token"
    )

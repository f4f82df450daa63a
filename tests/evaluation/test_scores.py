"""Scores are means over parts, with an interval that narrows with their number, per family and kind of prompt."""

import random

import pytest

from cadmonkey.evaluation.evaluate import FAILED
from cadmonkey.evaluation.scores import SCORES, kinds_of, mean_scores, score
from cadmonkey.evaluation.summary import interval_text


def parts(passed: list[bool], family: str = "a", prompt: str = "a 5 mm cube") -> list[dict]:
    return [
        {"family": family, "prompt": prompt, "stop_reason": "end_token", "verdict": {**FAILED, "all_pass": one}}
        for one in passed
    ]


def test_a_mean_over_parts_weighs_every_part_alike():
    scores = score(parts([True, True, True]) + parts([False], "b", "a 2 cm plate with 4 holes"))
    assert scores["total"]["all_pass"] == 0.75
    assert scores["families"]["b"]["all_pass"] == 0
    assert scores["kinds"]["unit: mm"]["count"] == 3
    assert scores["kinds"]["holes: with"]["all_pass"] == 0


def test_the_interval_is_the_same_every_time_and_narrows_with_more_parts():
    few, many = (mean_scores(parts([True, True, True, False] * times)) for times in (5, 125))
    assert few == mean_scores(parts([True, True, True, False] * 5))
    widths = []
    for scores in (few, many):
        low, high = scores["interval"]["all_pass"]
        assert low < scores["all_pass"] == 0.75 < high
        widths.append(high - low)
    assert widths[0] / widths[1] == pytest.approx(5, rel=0.2)
    # The normal approximation for 500 parts: 1.96 sqrt(p (1 - p) / n) to either side.
    assert widths[1] == pytest.approx(2 * 1.96 * (0.75 * 0.25 / 500) ** 0.5, rel=0.1)


def test_the_interval_holds_the_true_share_about_as_often_as_it_says():
    rng = random.Random(0)
    hits = 0
    for _ in range(60):
        low, high = mean_scores(parts([rng.random() < 0.7 for _ in range(120)]))["interval"]["all_pass"]
        hits += low <= 0.7 <= high
    assert 52 <= hits <= 60


def test_parts_that_all_agree_have_an_interval_without_width():
    scores = mean_scores(parts([True]))
    assert scores["interval"]["all_pass"] == [1, 1]
    assert set(scores["interval"]) == set(SCORES)
    assert interval_text(scores) == "100–100 %"


@pytest.mark.parametrize(
    ("prompt", "kinds"),
    [
        ("a 5 mm cube", ["unit: mm", "holes: without", "words: 1 to 10"]),
        ("plate 80x40x3, 4 holes d5", ["unit: none", "holes: with", "words: 1 to 10"]),
        ("a 3 cm plate, 2mm thick, no holes in it", ["unit: several", "holes: without", "words: 1 to 10"]),
        (
            'make me a 1 1/2" rod please, ' + "as soon as you can, " * 2,
            ["unit: inch", "holes: without", "words: 11 to 20"],
        ),
        ("hey " * 21 + "4 in the middle", ["unit: none", "holes: without", "words: 21 or more"]),
    ],
)
def test_the_kinds_of_a_prompt_are_told_from_its_words(prompt: str, kinds: list[str]):
    assert kinds_of(prompt) == kinds

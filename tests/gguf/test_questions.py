"""A proof asks at least 64 prompts, the run's own first, and judges answers that ask for parts within bounds."""

import json
from pathlib import Path

import pytest

from cadmonkey.errors import InputError
from cadmonkey.gguf.questions import MIN_PROMPTS, PLAIN_PROMPTS, Question, read_questions
from cadmonkey.gguf.score import Scorer

CUBE = "cube([10, 20, 30]);"


def write(path: Path, count: int) -> Path:
    rows = [{"prompt": f"a {n} mm cube", "completion": f"cube({n});"} for n in range(1, count + 1)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_there_are_as_many_different_plain_prompts_as_a_proof_needs() -> None:
    assert len(set(PLAIN_PROMPTS)) == len(PLAIN_PROMPTS) == MIN_PROMPTS


@pytest.mark.parametrize(
    ("own", "top_up", "limit", "held_out", "plain"),
    [(3, True, 300, 3, 61), (80, True, 300, 80, 0), (80, True, 70, 70, 0), (3, False, 300, 3, 0), (3, True, 10, 3, 7)],
    ids=["few", "enough", "limited", "given", "limited below the least"],
)
def test_held_out_prompts_come_first_and_plain_ones_fill_up(
    own: int, top_up: bool, limit: int, held_out: int, plain: int, tmp_path: Path
) -> None:
    questions = read_questions(write(tmp_path / "r.jsonl", own), limit, top_up=top_up)
    assert [question.is_plain for question in questions] == [False] * held_out + [True] * plain


def test_a_bare_model_is_asked_the_plain_ones() -> None:
    assert [question.prompt for question in read_questions(None, 300)] == list(PLAIN_PROMPTS)


@pytest.mark.parametrize("limit", [0, -1, -5])
def test_a_limit_below_one_is_refused(limit: int, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"--limit: expected 1 or more, got {limit}"):
        read_questions(write(tmp_path / "r.jsonl", 3), limit)
    with pytest.raises(InputError, match="--limit"):
        read_questions(None, limit)


def test_parts_are_judged_and_other_answers_are_no_cad_rows() -> None:
    scorer = Scorer([Question("a box", CUBE), Question("hello", "Hello, world!"), Question("anything")])
    assert scorer.rows == {0}
    assert scorer.passed({0: "cube([10, 20, 30]);", 1: "Hello, world!"}) == {0: True}
    assert scorer.passed({0: "cube([10, 20, 31]);"}) == {0: False}


def test_answers_in_compact_ir_are_judged_where_the_known_answer_is_in_it() -> None:
    scorer = Scorer([Question("a box", "C 10 20 30"), Question("a rod", "Y 3 20"), Question("hello", "Hello, world!")])
    assert scorer.rows == {0, 1}
    assert scorer.passed({0: "C 10 20 30", 1: "Y 3 20"}) == {0: True, 1: True}
    assert scorer.passed({0: "C 10 20 31", 1: "Y 3"}) == {0: False, 1: False}
    assert scorer.passed({0: CUBE}) == {0: False}, "it is the part, but in the other language"


def test_a_stated_dimension_that_does_not_hold_fails_an_answer() -> None:
    stated = {"kind": "length", "name": "length", "mm": 11.0}
    assert Scorer([Question("a box", CUBE, (stated,))]).passed({0: CUBE}) == {0: False}


@pytest.mark.usefixtures("hostile_judge")
def test_an_answer_that_hangs_or_kills_the_judge_fails_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cadmonkey.gguf.score.TIME_LIMIT_S", 2.0)
    scorer = Scorer([Question("a box", CUBE)] * 3)
    assert scorer.passed({0: "hang", 1: "crash", 2: CUBE}) == {0: False, 1: False, 2: True}

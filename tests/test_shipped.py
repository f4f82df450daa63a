"""The model that ships with the package is what the README says."""

from pathlib import Path

import pytest

from cadmonkey.cad.judge import judge
from cadmonkey.data.rows import make_rows
from cadmonkey.parts import PLAIN

pytest.importorskip("llama_cpp")

from cadmonkey.inference import Generator, shipped_model


@pytest.fixture(scope="module")
def nano():
    with Generator(shipped_model()) as generator:
        yield generator


def test_the_readmes_plate_is_what_it_writes(nano: Generator, repository: Path) -> None:
    prompt = "50 x 30 x 5 mm plate with four 4 mm holes 6 mm from the edges"
    readme = (repository / "README.md").read_text()
    assert f'generate "{prompt}"' in readme
    assert nano.generate(prompt).code in readme


def test_most_unseen_parts_of_every_family_come_out_right_and_every_answer_ends(nano: Generator) -> None:
    rows = list(make_rows(6 * len(PLAIN.families), seed=77, split="test", mix=PLAIN))
    answers = [nano.generate(row["prompt"]) for row in rows]
    assert {answer.stop_reason for answer in answers} == {"end_token"}
    right = [judge(a.code, row["completion"]).all_pass for a, row in zip(answers, rows, strict=True)]
    assert sum(right) >= 0.9 * len(rows)  # over 600 parts it was 97.0 % when it was shipped
    for family in PLAIN.families:
        assert any(passed for passed, row in zip(right, rows, strict=True) if row["family"] == family)


def test_it_stops_by_itself_without_the_mask() -> None:
    with Generator(shipped_model(), mask_reserved=False) as bare:
        answers = [bare.generate(row["prompt"]) for row in make_rows(20, seed=78, split="test", mix=PLAIN)]
    assert {answer.stop_reason for answer in answers} == {"end_token"}

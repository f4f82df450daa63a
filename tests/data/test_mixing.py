"""Sources in, one set of rows out: weights, duplicates and what is held out."""

import json
from collections import Counter
from pathlib import Path

import pytest

from cadmonkey.data.mixing import mix_sources
from cadmonkey.data.sources import Row
from cadmonkey.errors import InputError


def write(path: Path, rows: list[tuple[str, str]]) -> str:
    path.write_text("".join(json.dumps({"prompt": prompt, "completion": text}) + "\n" for prompt, text in rows))
    return str(path)


def numbers(count: int, word: str = "sum") -> list[tuple[str, str]]:
    return [(f"{word} {number}", f"{word} is {number}") for number in range(count)]


def prompts(rows: list[Row]) -> Counter[str]:
    return Counter(row["prompt"] for row in rows)


def test_a_weight_of_two_takes_each_row_twice_and_half_takes_a_random_half(tmp_path: Path) -> None:
    sources = [write(tmp_path / "a.jsonl", numbers(200)), write(tmp_path / "b.jsonl", numbers(200, "product"))]
    mixed = mix_sources(sources, [2, 0.5], seed=1)
    twice, half = mixed.taken
    assert (twice.train, twice.held_out) == (2 * (200 - twice.held_out), twice.held_out)
    assert half.train + half.held_out == 100
    assert set(prompts([row for row in mixed.train if row["family"] == "a"]).values()) == {2}
    assert set(prompts([row for row in mixed.train if row["family"] == "b"]).values()) == {1}
    assert len({row["id"] for row in mixed.train}) == len(mixed.train)
    assert set(prompts(mixed.validation).values()) == {1}
    other = mix_sources(sources, [2, 0.5], seed=2)
    assert prompts(other.train) != prompts(mixed.train)
    assert mix_sources(sources, [2, 0.5], seed=1) == mixed


def test_a_weight_of_one_and_a_half_takes_half_of_the_rows_once_more(tmp_path: Path) -> None:
    mixed = mix_sources([write(tmp_path / "a.jsonl", numbers(100))], [1.5], seed=1)
    kept = 100 - mixed.taken[0].held_out
    assert Counter(prompts(mixed.train).values()) == {2: kept // 2, 1: kept - kept // 2}


def test_exact_duplicates_are_left_out_and_counted_within_and_across_sources(tmp_path: Path) -> None:
    first = write(tmp_path / "a.jsonl", [*numbers(50), *numbers(5)])
    second = write(tmp_path / "b.jsonl", [*numbers(20), ("sum 1", "another answer")])
    mixed = mix_sources([first, second], seed=1)
    assert [(source.rows, source.duplicates) for source in mixed.taken] == [(55, 5), (21, 20)]
    pairs = [(row["prompt"], row["completion"]) for row in [*mixed.train, *mixed.validation]]
    assert len(pairs) == len(set(pairs)) == 51


def test_conversations_that_differ_before_the_last_question_are_no_duplicates(tmp_path: Path) -> None:
    path = tmp_path / "talks.jsonl"
    ask = [{"role": "user", "content": "again?"}, {"role": "assistant", "content": "yes"}]
    talks = [[{"role": "system", "content": f"You are {name}."}, *ask] for name in ("Ann", "Bob", "Ann")]
    path.write_text("".join(json.dumps({"messages": talk}) + "\n" for talk in talks))
    assert [source.duplicates for source in mix_sources([str(path)], seed=1).taken] == [1]


def test_one_text_under_several_prompts_never_sits_on_both_sides(tmp_path: Path) -> None:
    captions = [(f"{style} {number}", f"cube({number});") for number in range(300) for style in ("a cube of", "cube,")]
    mixed = mix_sources([write(tmp_path / "a.jsonl", captions)], seed=1)
    sides = [{row["completion"] for row in rows} for rows in (mixed.train, mixed.validation)]
    assert len(mixed.validation) == 12
    assert sides[0].isdisjoint(sides[1])


def test_labels_are_learnt_on_both_sides_but_no_prompt_is(tmp_path: Path) -> None:
    labelled = [(f"is {number} even?", "yes" if number % 2 == 0 else "no") for number in range(500)]
    labelled += [(f"is {number} even?", "perhaps") for number in range(500)]
    mixed = mix_sources([write(tmp_path / "a.jsonl", labelled)], seed=1)
    assert {row["completion"] for row in mixed.train} == {row["completion"] for row in mixed.validation}
    assert not prompts(mixed.train).keys() & prompts(mixed.validation).keys()
    assert len(mixed.validation) == 20


@pytest.mark.parametrize(("rows", "held_out"), [(2, 1), (9, 1), (50, 5), (300, 10), (1000, 20)])
def test_small_data_has_held_out_rows_too(tmp_path: Path, rows: int, held_out: int) -> None:
    mixed = mix_sources([write(tmp_path / "a.jsonl", numbers(rows))], seed=1)
    assert (len(mixed.validation), len(mixed.train)) == (held_out, rows - held_out)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0], "--dataset-weights: expected one for each of 2 datasets .*got 1"),
        ([1.0, 0.0], "--dataset-weights: expected numbers above 0"),
        ([1.0, float("nan")], "--dataset-weights: expected numbers above 0"),
    ],
)
def test_weights_that_do_not_fit_the_datasets_are_refused(tmp_path: Path, weights: list[float], message: str) -> None:
    source = write(tmp_path / "a.jsonl", numbers(5))
    with pytest.raises(InputError, match=message):
        mix_sources([source, source], weights, seed=1)


def write_split(path: Path, rows: list[tuple[str, int]]) -> str:
    """Rows of a split and a number each; what they say follows from the number."""
    cells = ({"prompt": f"sum {n}", "completion": f"sum is {n}", "split": split} for split, n in rows)
    path.write_text("".join(json.dumps(row) + "\n" for row in cells))
    return str(path)


def test_a_split_without_a_part_is_kept(tmp_path: Path) -> None:
    rows = [("train", n) for n in range(40)] + [("validation", n) for n in range(40, 60)] + [("test", 60)]
    mixed = mix_sources([write_split(tmp_path / "a.jsonl", rows)], seed=1)
    assert prompts(mixed.train) == Counter(f"sum {n}" for n in range(40))
    assert prompts(mixed.validation) == Counter(f"sum {n}" for n in range(40, 60))
    assert prompts(mixed.test) == Counter(["sum 60"])
    assert len({row["part"] for row in mixed.validation}) == 20


def test_without_rows_for_validation_some_are_held_out_of_those_to_train_on(tmp_path: Path) -> None:
    rows = [("train", n) for n in range(50)] + [("test", n) for n in range(50, 60)]
    mixed = mix_sources([write_split(tmp_path / "a.jsonl", rows)], seed=1)
    assert [len(side) for side in (mixed.train, mixed.validation, mixed.test)] == [45, 5, 10]
    assert {row["split"] for row in mixed.validation} == {"validation"}


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("held_out", ["validation", "test"])
def test_of_copies_in_two_splits_the_held_out_one_stays_in_any_order(
    tmp_path: Path, held_out: str, turned: bool
) -> None:
    files = [[("train", n) for n in range(40)], [(held_out, n) for n in range(30, 50)], [("validation", 60)]]
    sources = [write_split(tmp_path / f"{n}.jsonl", rows) for n, rows in enumerate(files)]
    mixed = mix_sources(sources[::-1] if turned else sources, seed=1)
    assert prompts(mixed.train) == Counter(f"sum {n}" for n in range(30))
    assert prompts([*mixed.validation, *mixed.test]) == Counter(f"sum {n}" for n in [*range(30, 50), 60])
    assert mixed.overlap == 10
    trained = next(source for source in mixed.taken if source.source == sources[0])
    assert (trained.duplicates, trained.overlap) == (10, 10)
    assert "10 duplicates left out, 10 of them stood among the held-out rows" in str(trained)

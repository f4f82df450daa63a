"""Rows are the same for one seed, and no part is on two sides of a split."""

from collections import Counter

from cadmonkey.data.rows import make_rows
from cadmonkey.parts import FAMILIES, split_of


def test_rows_depend_on_the_seed_alone() -> None:
    alone = list(make_rows(70, seed=5))
    assert list(make_rows(70, seed=5, workers=2)) == alone
    assert list(make_rows(70, seed=6)) != alone


def test_the_families_take_turns() -> None:
    families = Counter(row["family"] for row in make_rows(50, seed=1))
    assert families == dict.fromkeys(FAMILIES, 5)


def test_a_split_holds_only_its_own_parts() -> None:
    rows = {split: list(make_rows(60, seed=2, split=split)) for split in ("train", "validation", "test")}
    for split, members in rows.items():
        assert {row["split"] for row in members} == {split}
        assert {split_of(row["part"]) for row in members} == {split}
    parts = {split: {row["part"] for row in members} for split, members in rows.items()}
    assert not parts["train"] & parts["test"]

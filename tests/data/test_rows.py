"""Rows are the same for one seed, and no part is on two sides of a split."""

import json
from collections import Counter

import pytest

from cadmonkey.cad.ir import parse_ir
from cadmonkey.cad.openscad import parse_openscad
from cadmonkey.cad.solid import solid
from cadmonkey.data.rows import make_rows
from cadmonkey.parts import PLAIN
from cadmonkey.parts.noise import NOISES
from cadmonkey.parts.styles import STYLES


def test_rows_depend_on_the_seed_alone() -> None:
    alone = list(make_rows(70, seed=5))
    assert list(make_rows(70, seed=5, workers=2)) == alone
    assert list(make_rows(70, seed=6)) != alone


def test_the_families_take_turns() -> None:
    families = Counter(row["family"] for row in make_rows(50, seed=1, mix=PLAIN))
    assert families == dict.fromkeys(PLAIN.families, 5)


def test_a_split_holds_only_its_own_parts() -> None:
    rows = {split: list(make_rows(60, seed=2, split=split)) for split in ("train", "validation", "test")}
    for split, members in rows.items():
        assert {row["split"] for row in members} == {split}
    parts = {split: {row["part"] for row in members} for split, members in rows.items()}
    assert not parts["train"] & parts["test"]


def test_rows_tell_the_numbers_of_their_sentence_as_checks() -> None:
    plates = [row for row in make_rows(200, seed=3, mix=PLAIN) if row["family"] == "plate"]
    rows = [row for row in plates if "inset" in row["completion"] and "hole_d" in row["completion"]]
    assert rows
    for row in rows:
        stated = {check["kind"]: check for check in row["stated"]}
        assert stated["inset"].keys() == {"kind", "name", "mm"}
        assert stated["off_centre_hole_diameter"]["name"] == "hole diameter"
        assert stated["holes"]["count"] in (4, 5)
        assert json.dumps(row["stated"])


def test_what_a_sentence_leaves_to_the_default_is_not_stated() -> None:
    boxes = [row for row in make_rows(600, seed=3, mix=PLAIN) if row["family"] == "box"]
    silent = [row for row in boxes if "wall" not in {check["kind"] for check in row["stated"]}]
    assert 0 < len(silent) < len(boxes) / 4
    assert all(
        "wall = 2;" in row["completion"] and "wall" not in row["prompt"].replace("standard wall", "") for row in silent
    )


def test_a_row_holds_the_part_in_both_notations_and_all_that_is_known_of_it() -> None:
    for row in make_rows(60, seed=4):
        assert solid(parse_ir(row["completion_ir"])).volume() == pytest.approx(
            solid(parse_openscad(row["completion"])).volume(), rel=1e-9
        )
        assert row["parameters"].keys() == row["ledger"].keys()
        for name, number in row["parameters"].items():
            assert f"{name} = " in row["completion"]
            assert number in row["ledger"][name].values()
        assert row["style"] in STYLES
        assert set(row["noise"]) <= NOISES.keys()
        assert json.loads(json.dumps(row)) == row

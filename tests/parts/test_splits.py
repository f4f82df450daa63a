"""The part alone decides its split, and training sees nothing of what is held out."""

import random

import pytest

from cadmonkey.cad.csg import Circle, Cube, Difference, LinearExtrude, Sphere, Translate
from cadmonkey.errors import InputError
from cadmonkey.parts import FULL, HELD_OUT_BAND_MM, HELD_OUT_FAMILIES, PLAIN, Mix, sample_part, split_of
from cadmonkey.parts.splits import OUTSIDE_BAND, in_band, sizes_of


def test_a_size_in_the_band_holds_a_part_out_in_any_unit() -> None:
    low, high = HELD_OUT_BAND_MM
    assert split_of("00000000", "plate", [20, low]) == "held_out_band"
    assert split_of("00000000", "plate", [20, high]) == "train"
    assert split_of("0000005f", "plate", [20]) == "test"
    rng = random.Random(1)
    parts = [sample_part(rng, "plate", split="held_out_band") for _ in range(40)]
    assert any("inch" in part.code or "cm" in part.code for part in parts)


def test_no_training_part_states_a_size_of_the_band() -> None:
    rng = random.Random(2)
    low, high = HELD_OUT_BAND_MM
    for family in PLAIN.families:
        for _ in range(30):
            part = sample_part(rng, family, split="train")
            assert not any(low <= stated["mm"] < high for stated in part.stated if "mm" in stated), part.prompt


def test_a_stream_of_one_split_has_the_families_of_that_split() -> None:
    assert set(FULL.families) >= HELD_OUT_FAMILIES
    seen = {FULL.family_of(index, "train") for index in range(len(FULL.families))}
    assert seen == set(FULL.families) - set(HELD_OUT_FAMILIES)
    assert {FULL.family_of(index, "held_out_family") for index in range(40)} == set(HELD_OUT_FAMILIES)
    assert {FULL.family_of(index) for index in range(len(FULL.families))} == set(FULL.families)
    with pytest.raises(InputError, match="expected a mix with one of gusset"):
        PLAIN.family_of(0, "held_out_family")
    assert sample_part(random.Random(3), "spool").split == "held_out_family"


def test_every_family_that_has_parts_in_the_band_gives_one_and_no_other_is_asked_for_one() -> None:
    asked = {FULL.family_of(index, "held_out_band") for index in range(len(FULL.families))}
    assert asked == set(FULL.families) - set(HELD_OUT_FAMILIES) - set(OUTSIDE_BAND)
    rng = random.Random(4)
    for family in sorted(asked):
        assert sample_part(rng, family, split="held_out_band").split == "held_out_band"
    shafts = Mix(("shaft", "nut"), styles=("plain",))
    with pytest.raises(InputError, match="split held_out_band: expected a mix with one of block, bowl,"):
        shafts.family_of(0, "held_out_band")


@pytest.mark.parametrize("family", sorted(OUTSIDE_BAND))
def test_a_family_outside_the_band_has_hardly_a_part_in_it(family: str) -> None:
    rng = random.Random(5)
    assert sum(sample_part(rng, family).split == "held_out_band" for _ in range(150)) <= 1


def test_a_part_lies_in_one_split_however_it_is_put_in_words() -> None:
    ball = Sphere(46)
    assert list(sizes_of(ball)) == [92]
    assert list(sizes_of(Difference((LinearExtrude(93, Circle(10)), Translate((92, 0, 0), Cube((1, 2, 3))))))) == [
        93,
        20,
        1,
        2,
        3,
    ]
    rng = random.Random(4)
    for _ in range(400):
        part = sample_part(rng, "sphere")
        assert (part.split == "held_out_band") == in_band(sizes_of(part.program.root))
        assert part.parameters.get("radius") != 46, "a ball said to have radius 46 is the held-out one of diameter 92"

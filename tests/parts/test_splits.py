"""The part alone decides its split, and training sees nothing of what is held out."""

import random

import pytest

from cadmonkey.errors import InputError
from cadmonkey.parts import FULL, HELD_OUT_BAND_MM, HELD_OUT_FAMILIES, PLAIN, Mix, sample_part, split_of
from cadmonkey.parts.splits import BELOW_BAND


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
    assert asked == set(FULL.families) - set(HELD_OUT_FAMILIES) - set(BELOW_BAND)
    rng = random.Random(4)
    for family in sorted(asked):
        assert sample_part(rng, family, split="held_out_band").split == "held_out_band"
    shafts = Mix(("shaft", "nut"), styles=("plain",))
    with pytest.raises(InputError, match="split held_out_band: expected a mix with one of block, bowl,"):
        shafts.family_of(0, "held_out_band")


@pytest.mark.parametrize("family", sorted(BELOW_BAND))
def test_a_family_below_the_band_has_no_size_in_it(family: str) -> None:
    rng = random.Random(5)
    sizes = [number for _ in range(150) for number in sample_part(rng, family).parameters.values()]
    assert max(sizes) < HELD_OUT_BAND_MM[0]

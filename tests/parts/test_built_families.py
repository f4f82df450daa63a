"""Profiles, mounts, brackets, enclosures and holders: their cuts, voids, motors, and what they say they have not."""

import random
import re
from collections.abc import Iterator
from itertools import combinations

import pytest

from cadmonkey.cad import csg
from cadmonkey.cad.judge import judge
from cadmonkey.cad.kinds import KINDS, base_kind
from cadmonkey.cad.measure import measure
from cadmonkey.cad.program import Program
from cadmonkey.cad.solid import solid
from cadmonkey.parts import FAMILIES, PLAIN, sample_part
from cadmonkey.parts.families import Draft, brackets, enclosures, holders, mounts, profiles
from cadmonkey.parts.measures import MOTORS_MM, Measure, NoRoomError
from cadmonkey.parts.sentences import Writer

ROOMS = tuple(room.__name__ for room in (brackets, enclosures, holders, mounts, profiles))
BUILT = [name for name, family in FAMILIES.items() if family.__module__ in ROOMS]
MEETING = {"c_clip", "cable_clip", "saddle", "lid_recess", "cable_hole"}
"""Variants with cuts that are meant to meet: a bore and its mouth, a hole into the hollow."""


def drafts(family: str, seed: int, count: int) -> Iterator[Draft]:
    """That many drafts, drawn again where the sizes left no room."""
    rng = random.Random(seed)
    while count:
        try:
            yield FAMILIES[family](rng)
        except NoRoomError:
            continue
        count -= 1


@pytest.mark.parametrize("family", BUILT)
def test_what_is_absent_is_said_of_every_part_and_states_nothing(family: str) -> None:
    for draft in drafts(family, 14, 40):
        assert draft.words.absent
        for text in draft.words.absent:
            pieces = Writer(random.Random(0)).write(f"[{text}]", draft.values)
            assert not any(piece.names for piece in pieces)
            if text == "no holes":
                assert not draft.holes


@pytest.mark.parametrize("family", BUILT)
def test_every_cut_takes_material_and_keeps_clear_of_the_others(family: str) -> None:
    for draft in drafts(family, 15, 25):
        if not isinstance(draft.root, csg.Difference):
            continue
        base, *cuts = (solid(Program(child)) for child in draft.root.children)
        assert all((base ^ cut).volume() > 1e-3 for cut in cuts), draft.variant
        if draft.variant not in MEETING:
            assert all(one.min_gap(other, 5) > 0.2 for one, other in combinations(cuts, 2)), (family, draft.variant)


def test_there_are_many_families_with_their_variants() -> None:
    variants = {(family, draft.variant) for family in BUILT for draft in drafts(family, 16, 60)}
    assert len(BUILT) >= 20
    assert len(variants) >= 60
    assert all(variant for _, variant in variants)
    assert not set(BUILT) & set(PLAIN.families)


def test_every_kind_of_a_value_is_known_to_the_judge_or_empty() -> None:
    for family in BUILT:
        for draft in drafts(family, 17, 40):
            assert draft.kinds.keys() == draft.values.keys()
            for kind in draft.kinds.values():
                assert not kind or base_kind(kind) in KINDS, (family, kind)


def test_a_motor_is_known_by_its_name_alone() -> None:
    rng = random.Random(18)
    parts = [part for part in (sample_part(rng, "mount") for _ in range(20)) if part.variant == "motor_plate"]
    assert len(parts) > 3
    for part in parts:
        number = re.search(r"nema[ -]?(\d+)", part.prompt.lower())
        assert number, part.prompt
        sizes = MOTORS_MM[f"NEMA {number[1]}"]
        made = measure(solid(part.program))
        around = [hole for hole in made.holes if not made.is_central(hole)]
        assert [hole.diameter for hole in around] == pytest.approx([sizes["hole_d"]] * 4)
        apart = max(hole.point[0] for hole in around) - min(hole.point[0] for hole in around)
        assert apart == pytest.approx(sizes["hole_spacing"])
        assert {dimension["kind"] for dimension in part.stated} >= {"spacing_x", "bore_diameter"}
        other = next(name for name in MOTORS_MM if not name.endswith(number[1]))
        wrong = part.code
        for name, mm in MOTORS_MM[other].items():
            wrong = re.sub(rf"^{name} = [\d.]+", f"{name} = {mm}", wrong, flags=re.MULTILINE)
        assert not judge(wrong, part.code, part.stated).all_pass


def test_a_closed_enclosure_has_a_void_and_an_open_one_has_none() -> None:
    rng = random.Random(19)
    for part in (sample_part(rng, "enclosure") for _ in range(30)):
        voids = [feature for feature in measure(solid(part.program)).features() if feature.kind == "cavity"]
        assert len(voids) == (part.variant == "closed")


def test_a_gusset_stays_within_its_bracket() -> None:
    for draft in drafts("gusset", 20, 30):
        sizes = [draft.values[name] for name in ("length", "width", "height")]
        box = solid(Program(draft.root)).bounding_box()
        assert box == pytest.approx((0, 0, 0, *(size.mm for size in sizes if isinstance(size, Measure))))

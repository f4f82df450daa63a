"""Free parts say all that they are, in a sentence and as steps; every feature counts, and none breaks another."""

import random
import re
from functools import cache

import pytest

from cadmonkey.cad import csg
from cadmonkey.cad.ir import parse_ir, print_ir
from cadmonkey.cad.judge import iou, judge
from cadmonkey.cad.openscad import parse_openscad, print_openscad
from cadmonkey.cad.program import Program
from cadmonkey.cad.solid import solid
from cadmonkey.parts import FAMILIES, Part, is_sound, sample_part
from cadmonkey.parts.compositions import COMPOSITIONS, features
from cadmonkey.parts.families import Draft
from cadmonkey.parts.measures import NoRoomError
from cadmonkey.parts.sentences import Writer, sentence_of

NAMES = [family.__name__ for family in COMPOSITIONS]
DRAWS = {"composition": 200, "extrusion": 40, "revolution": 30, "section": 80}


@cache
def parts(family: str) -> list[Part]:
    rng = random.Random(f"{family} 1")
    return [sample_part(rng, family) for _ in range(DRAWS[family])]


def drafts(family: str, count: int) -> list[Draft]:
    rng, found = random.Random(f"{family} 2"), []
    while len(found) < count:
        try:
            found.append(FAMILIES[family](rng))
        except NoRoomError:
            continue
    return found


def features_of(part: Part) -> list[str]:
    return [name for name in part.variant.partition(": ")[2].split(", ") if name and name != "plain"]


@pytest.mark.parametrize("family", NAMES)
def test_both_notations_read_back_as_the_part(family: str) -> None:
    for part in parts(family):
        assert parse_openscad(part.code).root == part.program.root
        made = solid(parse_ir(print_ir(part.program)))
        assert iou(made, solid(part.program)) > 1 - 1e-6, part.code


@pytest.mark.parametrize("family", NAMES)
def test_every_stated_number_holds_on_the_part_itself(family: str) -> None:
    for part in parts(family):
        verdict = judge(part.code, part.code, part.stated)
        assert verdict.all_pass, (part.prompt, part.code, verdict.reason)
        assert part.stated, part.prompt


@pytest.mark.parametrize("family", NAMES)
def test_the_sentence_has_every_number_of_the_program(family: str) -> None:
    words = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight")
    for part in parts(family):
        said = part.prompt.lower()
        for parameter in part.program.parameters:
            if parameter.name in ("cm", "inch") or (re.search(r"\bm\d", said) and parameter.name.endswith("_d")):
                continue
            text = parameter.value.text.split(" * ")[0].strip("()")
            whole, _, rest = text.partition(" + ")
            forms = {text, text.replace(" / ", "/"), f"{whole} {rest.replace(' / ', '/')}"}
            if text.isdigit() and int(text) < len(words):
                forms.add(words[int(text)])
            assert any(re.search(rf"(?<![\d.]){re.escape(form)}(?![\d.]\d)", said) for form in forms), (
                parameter.name,
                part.prompt,
            )


@pytest.mark.parametrize("family", NAMES)
def test_the_steps_alone_state_every_value(family: str) -> None:
    for number, draft in enumerate(drafts(family, 80)):
        writer = Writer(random.Random(number))
        steps = [writer.write(step, draft.values) for step in draft.words.steps]
        told = [sentence_of(step) for step in steps]
        assert {name for step in steps for piece in step for name in piece.names} == draft.values.keys(), told
        assert all(text[0].isupper() and "{" not in text and "[" not in text for text in told), told


def test_compositions_have_one_step_for_the_body_and_one_for_each_feature() -> None:
    for draft in drafts("composition", 80):
        features = [name for name in draft.variant.partition(": ")[2].split(", ") if name != "plain"]
        assert len(draft.words.steps) == 1 + len(features)
        assert "(X)" in draft.words.steps[0] or "diameter" in draft.words.steps[0] or "corners" in draft.words.steps[0]


def test_every_body_and_every_feature_is_drawn() -> None:
    found = {name for part in parts("composition") for name in features_of(part)}
    assert found == {way.name for way in vars(features).values() if isinstance(way, features.Way)}
    assert {len(features_of(part)) for part in parts("composition")} == {0, 1, 2, 3, 4}
    bodies = {part.variant.partition(": ")[0] for part in parts("composition")}
    prisms = {f"{sides}-sided prism" for sides in (3, 5, 6)}
    assert bodies >= {"block", "plate", "rounded plate", "chamfered plate", "disc", "cylinder", "shell"} | prisms
    assert bodies >= {"L body", "T body", "U body"}


def test_every_free_outline_and_every_piece_of_a_round_body_is_drawn() -> None:
    ways = {f"{name}, {how}" for name in ("moves", "points") for how in ("flat", "standing")}
    assert {part.variant for part in parts("extrusion")} == {*ways, "shapes, flat"}
    assert {part.variant.partition(", ")[2] for part in parts("revolution")} == {"full", "half", "quarter"}
    sections = {part.variant for part in parts("section")}
    assert sections >= {"half cylinder", "half cylinder: hole", "quarter cylinder", "half ring", "quarter ring"}
    assert sections >= {"half ball", "quarter ball", "eighth ball", "half round bar"}


def without_each_feature(program: Program) -> list[Program]:
    """The program with each of its cuts, and each of its additions, left out in turn."""
    root, found = program.root, []
    base, *cuts = root.children if isinstance(root, csg.Difference) else (root,)
    for cut in cuts:
        found.append(csg.difference(base, *(other for other in cuts if other is not cut)))
    if isinstance(base, csg.Union):
        added = [child for child in base.children if isinstance(child, csg.Translate) and float(child.offset[2]) > 0]
        kept = [[child for child in base.children if child is not one] for one in added]
        found += [csg.difference(csg.union(*children), *cuts) for children in kept]
    return [Program(changed, program.parameters, program.facets) for changed in found]


def test_a_part_without_one_of_its_features_fails_and_is_told_which() -> None:
    tried = 0
    for part in parts("composition")[:40]:
        # Of two alike the one that is left is what was asked for: then only the whole is wrong.
        alike = len(features_of(part)) > len(set(features_of(part)))
        for changed in without_each_feature(part.program):
            verdict = judge(print_openscad(changed), part.code, part.stated)
            assert not verdict.all_pass, part.variant
            failed = [check["name"] for check in verdict.dimensions if not check["ok"]]
            assert verdict.missing or failed or alike, (part.variant, verdict.reason, part.code)
            tried += 1
    assert tried > 50


def test_a_hole_that_is_left_out_is_missed_by_name() -> None:
    part = next(
        part for part in parts("composition") if part.variant.endswith(": hole") and "shell" not in part.variant
    )
    (changed,) = without_each_feature(part.program)
    reason = judge(print_openscad(changed), part.code, part.stated).reason
    assert re.fullmatch(r"1 through hole of [\d.]+ mm missing", reason)


def test_a_hole_in_another_place_fails_by_the_name_of_the_offset() -> None:
    part = next(part for part in parts("composition") if "hole_x = " in part.code and ": hole" in part.variant)
    off = re.sub(r"hole_x = .*;", lambda match: f"{match[0][:-1]} + 0.5;", part.code)
    failed = [check for check in judge(off, part.code, part.stated).dimensions if not check["ok"]]
    assert [check["name"] for check in failed] == ["hole x"], part.code


def test_what_is_said_to_be_absent_is_absent() -> None:
    for draft in drafts("composition", 120):
        if any("through" in text for text in draft.words.absent):
            assert draft.holes == 0, draft.variant
        if any("cut-outs" in text for text in draft.words.absent):
            assert not isinstance(draft.root, csg.Difference), draft.variant


BLOCK = "cube([60, 40, 12])"
DISC = "cylinder(d = 40, h = 12)"


def sound(code: str, holes: int) -> bool:
    return is_sound(parse_openscad(code), holes, apart=True)


def test_features_that_keep_apart_are_sound() -> None:
    assert sound(f"difference() {{ {BLOCK}; translate([20, 20, 5]) cylinder(d = 8, h = 8); }}", 0)
    assert sound(f"difference() {{ {BLOCK}; translate([30, -1, 5]) cube([10, 42, 8]); }}", 0)
    hollow = (
        "translate([2, 2, 2]) cube([56, 36, 11]); translate([-1, 20, 6]) rotate([0, 90, 0]) cylinder(d = 4, h = 4);"
    )
    assert sound(f"difference() {{ {BLOCK}; {hollow} }}", 1)
    assert sound(f"union() {{ {BLOCK}; translate([20, 20, 12]) cylinder(d = 8, h = 9); }}", 0)


UNSOUND = {
    "hole through an edge": (BLOCK, "translate([3, 20, -1]) cylinder(d = 8, h = 14);", 1),
    "blind hole through an edge": (BLOCK, "translate([3, 20, 5]) cylinder(d = 8, h = 8);", 0),
    "blind hole through a round side": (DISC, "translate([17, 0, 5]) cylinder(d = 8, h = 8);", 0),
    "pocket through the floor": (BLOCK, "translate([20, 20, -3]) cube([10, 10, 20]);", 0),
    "pocket above the block": (BLOCK, "translate([20, 20, 20]) cube([10, 10, 5]);", 0),
    "pocket without a mouth": (BLOCK, "translate([20, 20, 5]) cube([10, 10, 4]);", 0),
    "overlapping blind holes": (BLOCK, "for (x = [20, 25]) translate([x, 20, 5]) cylinder(d = 8, h = 8);", 0),
    "overlapping holes": (BLOCK, "for (x = [20, 25]) translate([x, 20, -1]) cylinder(d = 8, h = 14);", 2),
    "hole into a pocket": (
        BLOCK,
        "translate([10, 10, 6]) cube([20, 10, 7]); translate([29, 15, 4]) cylinder(d = 4, h = 9);",
        0,
    ),
    "end cut off": (BLOCK, "translate([50, -1, -1]) cube([11, 42, 14]);", 0),
}


@pytest.mark.parametrize("case", UNSOUND)
def test_a_cut_that_breaks_something_or_does_nothing_is_not_sound(case: str) -> None:
    body, cuts, holes = UNSOUND[case]
    assert sound(f"{body};", 0)
    assert not sound(f"difference() {{ {body}; {cuts} }}", holes)


@pytest.mark.parametrize("place", ["[70, 20, 0]", "[20, 20, 12.5]", "[20, 20, 2]"])
def test_a_boss_beside_above_or_within_the_body_is_not_sound(place: str) -> None:
    assert not sound(f"union() {{ {BLOCK}; translate({place}) cylinder(d = 8, h = 9); }}", 0)


def test_a_closed_cavity_is_one_body_and_an_end_may_be_trimmed_where_that_is_meant() -> None:
    cavity = parse_openscad(f"difference() {{ {BLOCK}; translate([2, 2, 2]) cube([56, 36, 8]); }}")
    assert is_sound(cavity, 0)
    trimmed = parse_openscad(f"difference() {{ {BLOCK}; translate([50, -1, -1]) cube([11, 42, 14]); }}")
    assert is_sound(trimmed, 0, trims=True)
    assert not is_sound(trimmed, 0)

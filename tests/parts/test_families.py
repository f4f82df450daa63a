"""Every family passes its own measure in both notations, a near miss does not, and its words say what it is."""

import contextlib
import hashlib
import json
import random
import re
from dataclasses import replace
from fractions import Fraction

import pytest

from cadmonkey.cad import csg
from cadmonkey.cad.ir import parse_ir, print_ir
from cadmonkey.cad.judge import judge, judge_solid
from cadmonkey.cad.quantity import Quantity
from cadmonkey.cad.solid import solid
from cadmonkey.data.rows import make_rows
from cadmonkey.parts import FAMILIES, PLAIN, Part, sample_part
from cadmonkey.parts.families import DEFAULTS_MM, Draft, plates
from cadmonkey.parts.families.draw import Draw
from cadmonkey.parts.measures import MOTORS_MM, UNITS, Measure, NoRoomError, measure
from cadmonkey.parts.mix import COMPOSITIONS

BUILT = [family for family in FAMILIES if family not in PLAIN.families]
PLAIN_ROWS = "b100d399c0b5cde0"
"""Of 400 rows of the plain mix: what the shipped model has learned, but for one row in a hundred that the rule of the
held-out band has redrawn since."""
_BRACKET = re.compile(r"\[([^\[\]]*)\]")
_PLACE = re.compile(r"\{([^{}]+)\}")


@pytest.mark.parametrize("family", FAMILIES)
def test_a_part_is_what_it_states_in_both_notations(family: str) -> None:
    rng = random.Random(7)
    for _ in range(30):
        part = sample_part(rng, family)
        assert part.stated
        verdict = judge(part.code, part.code, part.stated)
        assert verdict.all_pass, (part.prompt, verdict.reason, part.code)
        verdict = judge_solid(parse_ir(print_ir(part.program)), solid(part.program), part.stated)
        assert verdict.all_pass, (part.prompt, verdict.reason, print_ir(part.program))


@pytest.mark.parametrize("family", BUILT)
def test_a_part_with_one_other_parameter_is_another_part(family: str) -> None:
    rng = random.Random(8)
    for _ in range(2):
        part = sample_part(rng, family)
        for name in (parameter.name for parameter in part.program.parameters if parameter.name not in UNITS):
            verdict = judge(neighbour(part, name), part.code, part.stated)
            assert not verdict.all_pass, (name, part.code)


def neighbour(part: Part, name: str) -> str:
    """The part with a count one higher, or a size a little larger."""
    counts = ("teeth", "bolts", "spokes", "slots", "holes", "columns", "rows", "notches", "pegs", "fins")
    change = "{} + 1" if name in counts else "({}) * 1.05 + 0.1"
    line = re.compile(rf"^({name} = )(.*);$", re.MULTILINE)
    code, changed = line.subn(lambda match: f"{match[1]}{change.format(match[2])};", part.code)
    assert changed == 1
    return code


@pytest.mark.parametrize("family", BUILT)
def test_steps_state_every_value_however_they_are_worded(family: str) -> None:
    rng = random.Random(9)
    for _ in range(60):
        draft = drafted(family, rng)
        assert stated_by(". ".join(draft.words.steps)) == set(draft.values), draft.words.steps
        assert len(draft.words.absent) > 1 or family in COMPOSITIONS
        assert not any(_PLACE.search(text) for text in draft.words.absent)


@pytest.mark.parametrize("family", BUILT)
def test_words_state_every_value_but_defaults_however_they_are_worded(family: str) -> None:
    rng = random.Random(10)
    for _ in range(60):
        draft = drafted(family, rng)
        words = draft.words
        said = stated_by(words.plain) if words.plain else {attribute.name for attribute in words.attributes}
        said |= stated_by(" ".join(words.features)) | stated_by(words.noun)
        motor = any(draft.values[name].unit == "standard" for name in said if isinstance(draft.values[name], Measure))
        silent = draft.values.keys() - said - (MOTORS_MM["NEMA 17"].keys() if motor else set())
        assert all(draft.values[name].mm == DEFAULTS_MM[family][name] for name in silent), silent


def drafted(family: str, rng: random.Random) -> Draft:
    while True:
        try:
            return FAMILIES[family](rng)
        except NoRoomError:
            continue


def stated_by(template: str) -> set[str]:
    """The values that a template states whichever of its alternatives is taken."""
    while (match := _BRACKET.search(template)) is not None:
        common = set.intersection(*(places_in(text) for text in match[1].split("|")))
        places = " ".join(f"{{{name}}}" for name in sorted(common))
        template = template[: match.start()] + places + template[match.end() :]
    return places_in(template)


def places_in(text: str) -> set[str]:
    return {name.strip("#") for place in _PLACE.findall(text) for name in place.split("*")}


def test_what_a_template_states_is_what_all_its_alternatives_state() -> None:
    assert stated_by("@ {a} [wide {b}|broad {b#}] [|and {c}] {d*e}") == {"a", "b", "d", "e"}


def test_a_screw_says_all_sizes_of_its_nut_once() -> None:
    rng = random.Random(11)
    nuts = [part for part in (sample_part(rng, "nut") for _ in range(300)) if part.variant == "screw"]
    assert nuts
    for part in nuts:
        assert len(re.findall(r"M\d", part.prompt, flags=re.I)) == 1
        assert {"across_flats", "thickness", "bore_diameter"} <= {stated["kind"] for stated in part.stated}


def test_an_angle_is_stated_in_degrees() -> None:
    rng = random.Random(12)
    ramps = [part for part in (sample_part(rng, "wedge") for _ in range(200)) if part.variant == "angle"]
    assert {re.search(r"\d(°| deg)", part.prompt) is not None for part in ramps} == {True}
    for part in ramps:
        (stated,) = [check for check in part.stated if check["kind"] == "slope_angle"]
        assert stated.keys() == {"kind", "name", "deg"}


def test_a_mug_keeps_its_inside_free_of_the_handle() -> None:
    rng = random.Random(13)
    mugs = [part for part in (sample_part(rng, "cup") for _ in range(60)) if part.variant == "mug"]
    for part in mugs:
        assert isinstance(part.program.root, csg.Difference)
        inside = solid(replace(part.program, root=part.program.root.children[1]))
        assert (solid(part.program) ^ inside).volume() == pytest.approx(0, abs=1e-6)


def test_the_plain_mix_is_what_the_shipped_model_has_learned() -> None:
    rows = [[row["prompt"], row["completion"], row["stated"]] for row in make_rows(400, seed=9, mix=PLAIN)]
    assert hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:16] == PLAIN_ROWS


@pytest.mark.parametrize(
    ("stated", "gap_mm"),
    [
        ({"inset": 15, "hole_d": 6, "center_d": 18}, 0.5),
        ({"inset": 15, "hole_r": 3, "center_r": 9}, 0.5),
        ({"inset": 15, "hole_r": 3, "center_d": 18.5}, 0.25),
        ({"spacing_x": 30, "spacing_y": 16, "hole_d": 6, "center_d": 27}, 0.5),
        ({"spacing_x": 30, "spacing_y": 16, "hole_d": 6, "center_r": 14}, 0),
        ({"spacing_x": 30, "spacing_y": 16, "hole_d": 9, "center_d": 27}, -1),
    ],
)
def test_a_centre_hole_is_drawn_again_where_it_is_nearer_than_half_a_millimetre(
    stated: dict[str, float], gap_mm: float
) -> None:
    """On a plate of 54 x 37 mm: its middle is 12.5 mm from holes that are 15 mm inside its edges."""
    draw = Draw(random.Random(0))
    for name, mm in stated.items():
        draw.keep(name, measure(Fraction(str(mm)), "mm"))
    room = contextlib.nullcontext() if gap_mm >= 0.5 else pytest.raises(NoRoomError)
    with room:
        plates._keep_apart(draw, Quantity(54), Quantity(37))

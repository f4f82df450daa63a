"""Every part says all of its sizes, stands as one sound solid, and is the same part however it is worded."""

import random
import re

import pytest

from cadmonkey.cad import csg
from cadmonkey.cad.judge import judge
from cadmonkey.cad.measure import body_count
from cadmonkey.cad.openscad import parse_openscad, print_openscad
from cadmonkey.cad.program import Facets, Program
from cadmonkey.cad.solid import solid
from cadmonkey.parts import DEFAULTS_MM, FAMILIES, is_sound, sample_part
from cadmonkey.parts.measures import MOTORS_MM, UNITS, NoRoomError, draw_measure
from cadmonkey.parts.sentences import Writer, sentence_of

NUT_SIZES = ("across_flats", "thickness")
"""What the screw of a nut says beside its hole."""
COMPUTED = ("gear_module",)
"""Parameters that a program computes from others where the sentence does not state them."""


def motor_sizes(said: str) -> dict[str, float]:
    """What the name of a motor in a sentence says."""
    number = re.search(r"nema[ -]?(\d+)", said)
    return MOTORS_MM[f"NEMA {number[1]}"] if number else {}


@pytest.mark.parametrize("family", FAMILIES)
def test_code_reads_back_as_the_program_it_was_printed_from(family: str) -> None:
    rng = random.Random(1)
    for _ in range(40):
        part = sample_part(rng, family)
        assert parse_openscad(part.code).root == part.program.root
        assert print_openscad(parse_openscad(part.code)) == part.code


@pytest.mark.parametrize("family", FAMILIES)
def test_every_number_of_the_program_is_in_the_sentence(family: str) -> None:
    rng = random.Random(2)
    names = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
    words = dict(zip(names, range(2, 13), strict=True))
    for _ in range(60):
        part = sample_part(rng, family)
        said = part.prompt.lower()
        defaults = DEFAULTS_MM.get(family, {})
        for parameter in part.program.parameters:
            text = parameter.value.text.split(" * ")[0].strip("()")
            whole, _, rest = text.partition(" + ")
            forms = {text, text.replace(" / ", "/"), f"{whole} {rest.replace(' / ', '/')}"}
            forms |= {word for word, number in words.items() if str(number) == text}
            by_screw = parameter.name.endswith("_d") or (family == "nut" and parameter.name in NUT_SIZES)
            screw = re.search(r"\bm\d", said) and by_screw
            by_name = (defaults.get(parameter.name), motor_sizes(said).get(parameter.name))
            known = parameter.name in UNITS or parameter.name in COMPUTED or parameter.value in by_name
            assert known or screw or any(form in said for form in forms), (part.prompt, part.code)


@pytest.mark.parametrize("family", FAMILIES)
def test_parts_are_one_body_on_the_floor_but_for_the_centred_ball(family: str) -> None:
    rng = random.Random(3)
    for _ in range(15):
        part = sample_part(rng, family)
        made = solid(part.program)
        assert body_count(made) == 1
        z0, z1 = made.bounding_box()[2::3]
        # The lowest flats of a round bottom lie a little above the point they stand for.
        assert z0 == pytest.approx(-z1 if isinstance(part.program.root, csg.Sphere) else 0, abs=0.05)


def test_a_hole_that_breaks_an_edge_is_not_sound() -> None:
    def drilled(x: float) -> Program:
        code = f"difference() {{ cube([40, 30, 5]); translate([{x}, 15, -1]) cylinder(d = 8, h = 7); }}"
        return parse_openscad(code)

    assert is_sound(drilled(20), 1)
    assert not is_sound(drilled(2), 1)
    assert not is_sound(drilled(60), 1)


def test_the_hash_is_of_the_geometry_not_of_the_unit() -> None:
    rng = random.Random(4)
    inches = next(p for p in (sample_part(rng, "plate") for _ in range(400)) if "inch = 25.4;" in p.code)
    plain = parse_openscad(print_openscad(Program(inches.program.root, (), Facets(fn=96))))
    assert "inch" not in print_openscad(plain)
    assert judge(inches.code, print_openscad(plain)).all_pass


def test_wordings_are_many() -> None:
    rng = random.Random(5)
    shapes = {re.sub(r"[\d./]+", "#", sample_part(rng, "block").prompt) for _ in range(400)}
    assert len(shapes) > 350


def test_measures_stay_in_their_range() -> None:
    rng = random.Random(6)
    for unit, mm in UNITS.items():
        for _ in range(300):
            drawn = draw_measure(rng, 12.3, 45.6, unit)
            assert 12.3 <= drawn.mm <= 45.6
            whole, _, fraction = drawn.number.rpartition(" ")
            top, _, bottom = fraction.partition("/")
            assert (float(whole or 0) + float(top) / float(bottom or 1)) * mm == pytest.approx(drawn.mm)
    with pytest.raises(NoRoomError):
        draw_measure(rng, 5.01, 5.04)


def test_articles_follow_the_sound() -> None:
    writer = Writer(random.Random(0))
    words = ("8 mm rod", "11 mm rod", "L-bracket", "open box", "rod")
    said = [sentence_of(writer.write(f"put @ {word} here", {})) for word in words]
    assert [text.lower() for text in said] == [
        "put an 8 mm rod here",
        "put an 11 mm rod here",
        "put an l-bracket here",
        "put an open box here",
        "put a rod here",
    ]

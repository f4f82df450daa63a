"""Solids are what OpenSCAD makes of the same program."""

import math
import random
import shutil
import subprocess
from pathlib import Path

import pytest
import trimesh

from cadmonkey.cad import csg
from cadmonkey.cad.openscad import parse_openscad
from cadmonkey.cad.program import Program
from cadmonkey.cad.solid import SolidError, solid
from cadmonkey.parts import FAMILIES, sample_part


def test_a_plate_with_holes_has_the_volume_of_the_formula() -> None:
    hole = "translate([9, 9, -1]) cylinder(d = 6, h = 7);"
    made = solid(parse_openscad(f"$fn = 96; difference() {{ cube([40, 30, 5]); {hole} }}"))
    polygon = 96 / 2 * 3**2 * math.sin(2 * math.pi / 96)
    assert made.volume() == pytest.approx(40 * 30 * 5 - polygon * 5, rel=1e-6)
    assert made.genus() == 1


def test_rotations_are_about_x_then_y_then_z() -> None:
    box = solid(parse_openscad("rotate([90, 0, 90]) cube([1, 2, 3]);")).bounding_box()
    assert box == pytest.approx((0, 0, 0, 3, 1, 2), abs=1e-9)


def test_a_cone_may_stand_on_its_point() -> None:
    up = solid(parse_openscad("$fn = 48; cylinder(h = 9, r1 = 4, r2 = 0);"))
    down = solid(parse_openscad("$fn = 48; cylinder(h = 9, r1 = 0, r2 = 4);"))
    assert up.volume() == pytest.approx(down.volume())
    assert down.slice(8.9).area() > up.slice(8.9).area()


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("cube([1, -2, 3]);", "above zero"),
        ("cube([1, 2, 1 / 0]);", "up to a million"),
        ("sphere(0);", "above zero"),
        ("scale([1, 0, 1]) cube(1);", "above zero"),
        ("for (i = [0 : 200 - 1], j = [0 : 200 - 1]) translate([i * 2, j * 2, 0]) cube(1);", "copies"),
    ],
)
def test_trees_without_a_solid_are_refused(code: str, words: str) -> None:
    with pytest.raises(SolidError, match=words):
        solid(parse_openscad(code))


@pytest.mark.skipif(shutil.which("openscad") is None, reason="the openscad program is not installed")
@pytest.mark.parametrize("family", FAMILIES)
def test_openscad_renders_the_same_solid(family: str, tmp_path: Path) -> None:
    rng = random.Random(family)
    for number in range(3):
        part = sample_part(rng, family)
        theirs = rendered(part.code, tmp_path / f"{number}.scad")
        ours = solid(part.program)
        assert ours.volume() == pytest.approx(theirs.volume, rel=1e-4), part.code
        assert ours.bounding_box() == pytest.approx(theirs.bounds.flatten(), abs=1e-2), part.code


def rendered(code: str, path: Path) -> trimesh.Trimesh:
    """The mesh that the openscad program makes; a warning fails, because openscad exits with 0 on many."""
    path.write_text(code)
    stl = path.with_suffix(".stl")
    done = subprocess.run(["openscad", "-o", stl, path], capture_output=True, text=True, timeout=120, check=True)
    assert "WARNING" not in done.stderr, done.stderr
    return trimesh.load_mesh(stl)


def test_a_cone_of_equal_ends_is_hollowed_like_the_cylinder_it_is() -> None:
    cone, cylinder = (solid(Program(csg.Shell(1.0, shape))) for shape in (csg.Cone(9, 9, 20), csg.Cylinder(9, 20)))
    assert cone.volume() == pytest.approx(cylinder.volume())
    assert cone.volume() < solid(Program(csg.Cylinder(9, 20))).volume() - 1

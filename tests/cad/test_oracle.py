"""The openscad program is the oracle: its own examples, and random programs of every operation we read."""

import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import trimesh

from cadmonkey.cad.openscad import LanguageError, parse_openscad, print_openscad
from cadmonkey.cad.program import Program
from cadmonkey.cad.solid import solid

EXAMPLES = Path("/usr/share/openscad/examples")
ACCEPTED = (
    "Basics/CSG-modules",
    "Basics/CSG",
    "Basics/linear_extrude",
    "Old/example002",
    "Old/example003",
    "Old/example004",
    "Old/example005",
    "Old/example018",
    "Old/example020",
    "Old/example022",
    "Old/example024",
    "Parametric/candleStand",
)
"""Every other example is refused, for the reason that this table gives."""
REFUSED = {
    "Advanced/GEB": "'text' is refused",
    "Advanced/animation": "'function' is refused",
    "Advanced/assert": "'function' is refused",
    "Advanced/children": "'text' is refused",
    "Advanced/children_indexed": "'text' is refused",
    "Advanced/module_recursion": "'function' is refused",
    "Advanced/offset": "modifier '%'",
    "Advanced/surface_image": "'surface' is refused",
    "Basics/LetterBlock": "'text' is refused",
    "Basics/logo": "modifier '#'",
    "Basics/logo_and_text": "'use' is refused",
    "Basics/projection": "modifier '%'",
    "Basics/rotate_extrude": "'text' is refused",
    "Basics/text_on_cube": "'text' is refused",
    "Functions/echo": "'function' is refused",
    "Functions/functions": "'function' is refused",
    "Functions/list_comprehensions": "list comprehensions",
    "Functions/polygon_areas": "'function' is refused",
    "Functions/recursion": "'function' is refused",
    "Old/example001": "'function' is refused",
    "Old/example006": "unknown function 'is_list'",
    "Old/example007": "'import' is refused",
    "Old/example008": "'import' is refused",
    "Old/example009": "modifier '%'",
    "Old/example010": "'surface' is refused",
    "Old/example011": "no argument 'triangles'",
    "Old/example012": "'import' is refused",
    "Old/example013": "'import' is refused",
    "Old/example014": "'intersection_for' is refused",
    "Old/example015": "'import' is refused",
    "Old/example016": "'import' is refused",
    "Old/example017": "modifier '%'",
    "Old/example019": "'function' is refused",
    "Old/example021": "modifier '%'",
    "Old/example023": "'use' is refused",
    "Parametric/sign": "'text' is refused",
}
SLOW = {"Old/example024", "Old/example020"}
"""Those that openscad itself renders for longer than a test should take."""

pytestmark = pytest.mark.skipif(shutil.which("openscad") is None, reason="the openscad program is not installed")
needs_examples = pytest.mark.skipif(not EXAMPLES.is_dir(), reason="openscad's examples are not installed")


@needs_examples
def test_every_example_of_openscad_is_in_one_of_the_tables() -> None:
    found = {str(path.relative_to(EXAMPLES).with_suffix("")) for path in EXAMPLES.glob("*/*.scad")}
    assert found == {*ACCEPTED, *REFUSED}


@needs_examples
@pytest.mark.parametrize("name", REFUSED)
def test_an_example_outside_the_subset_is_refused_with_a_line_and_a_reason(name: str) -> None:
    with pytest.raises(LanguageError) as caught:
        parse_openscad((EXAMPLES / f"{name}.scad").read_text())
    assert REFUSED[name] in str(caught.value)
    assert str(caught.value).startswith(f"line {caught.value.line}: ")


@needs_examples
@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.slow] if n in SLOW else []) for n in ACCEPTED])
def test_an_accepted_example_is_the_solid_that_openscad_renders(name: str, tmp_path: Path) -> None:
    path = EXAMPLES / f"{name}.scad"
    program = parse_openscad(path.read_text())
    assert_same(program, rendered(path, tmp_path / "out.stl"), name)
    assert parse_openscad(print_openscad(program)).root == program.root


def profile(rng: random.Random) -> str:
    r, d = rng.randint(3, 9), rng.randint(1, 2)
    return rng.choice(
        (
            f"circle({r});",
            f"square([{r}, {r + 4}], center = true);",
            f"polygon([[0, 0], [{r + 5}, 0], [{r}, {r}], [2, {r + 3}]]);",
            "polygon([[0, 0], [20, 0], [20, 20], [0, 20], [5, 5], [9, 5], [5, 9]], [[0, 1, 2, 3], [4, 5, 6]]);",
            f"polygon([[0, 0], [{r + 6}, {r}], [{r + 6}, 0], [0, {r + 2}]]);",
            f"offset(r = {d}, $fn = 20) square([{r}, 8]);",
            f"offset(delta = {d}) polygon([[0, 0], [{r + 8}, 2], [3, {r}]]);",
            f"offset(delta = {d}, chamfer = true) square([{r + 2}, 6]);",
            f"offset(r = -{d}) square([{r + 6}, 9]);",
            f"difference() {{ circle({r + 2}); translate([1, 2]) square(2); rotate(30) square([{r + 9}, 1]); }}",
            f"hull() {{ circle({r}); translate([{r + 5}, 1]) circle({d}); }}",
            f"mirror([1, 2]) scale([1.5, {d}]) square([{r}, 3]);",
            f"rotate([180, 0, 0]) intersection() {{ circle({r}); square({r}); }}",
            f"for (i = [0 : 3 - 1]) translate([i * {r + 3}, 0]) circle({d});",
        )
    )


def extruded(rng: random.Random) -> str:
    height, twist = rng.randint(4, 20), rng.choice((-200, -60, 35, 90, 400))
    slices = rng.choice(("", ", slices = 9"))
    options = rng.choice(
        (
            "",
            ", center = true",
            f", twist = {twist}{slices}",
            ", scale = 0.4",
            ", scale = [2, 0.5]",
            ", scale = 0",
            f", twist = {twist}, scale = 1.7{slices}",
            f", twist = {twist}, scale = [0.5, 2]{slices}",
            f", twist = {twist}, $fn = 30",
        )
    )
    return f"linear_extrude(height = {height}{options}) {profile(rng)}"


def revolved(rng: random.Random) -> str:
    side = rng.choice((40, -40))
    options = rng.choice(("", "$fn = 7", "angle = 100", "angle = -75", "angle = 20, $fn = 12", "angle = 400"))
    return f"rotate_extrude({options}) translate([{side}, 0]) {profile(rng)}"


def placed(rng: random.Random) -> str:
    a, axis = rng.randint(-170, 170), rng.choice(("[1, 1, 0]", "[1, -2, 3]", "[0, 0, -1]"))
    box = f"cube([{rng.randint(2, 9)}, 4, 5])"
    corners = "[[0, 0, 0], [9, 0, 0], [9, 7, 0], [0, 7, 0], [2, 3, 8]]"
    return rng.choice(
        (
            f"rotate({a}, {axis}) {box};",
            f"rotate(a = {a}, v = {axis}) translate([1, 2, 3]) {box};",
            f"multmatrix([[1, 0.3, 0, 4], [0, 1, 0.2, 5], [0, 0, -1.5, 6], [0, 0, 0, 1]]) {box};",
            f"mirror([1, 2, {a}]) {box};",
            f"hull() {{ {box}; translate([9, 8, 7]) sphere(3); }}",
            f"hull() for (x = [0, 20], y = [0, {rng.randint(5, 20)}]) translate([x, y, 0]) cylinder(r = 2, h = 6);",
            f"for (i = [0 : 4 - 1]) translate([1, 2, 0] * i * 7.5 / norm([1, 2, 0])) {box};",
            f"for (i = [0 : 5 - 1]) rotate(a = i * 360 / 5, v = [1, 1, 0]) translate([9, 0, 0]) {box};",
            f"for (i = [0 : 6 - 1]) translate([5, 1, 2]) rotate([0, 0, i * {a} / 6]) translate([-5, -1, -2]) {box};",
            f"polyhedron({corners}, [[0, 1, 2, 3], [1, 0, 4], [2, 1, 4], [3, 2, 4], [0, 3, 4]]);",
            f"module twice(d) {{ children(); translate([d, 0, 0]) children(0); }} twice({abs(a)}) {box};",
            f"x = 1; module m() cube(x + $k); module n() {{ x = 5; $k = {abs(a) / 9}; m(); }} n();",
        )
    )


@pytest.mark.parametrize("kind", [extruded, revolved, placed])
def test_random_programs_are_what_openscad_renders(kind: Callable[[random.Random], str], tmp_path: Path) -> None:
    rng = random.Random(kind.__name__)
    path = tmp_path / "part.scad"
    for _ in range(14):
        code = rng.choice(("", "$fn = 24; ", "$fa = 6; $fs = 0.5; ")) + kind(rng)
        path.write_text(code)
        assert_same(parse_openscad(code), rendered(path, tmp_path / "part.stl"), code)


def assert_same(program: Program, theirs: trimesh.Trimesh, what: str) -> None:
    """Volume and box agree to what single precision in the STL leaves."""
    ours = solid(program)
    assert ours.volume() == pytest.approx(theirs.volume, rel=2e-4), what
    assert ours.bounding_box() == pytest.approx(theirs.bounds.flatten(), abs=2e-2), what


def rendered(path: Path, stl: Path) -> trimesh.Trimesh:
    """The mesh that the openscad program makes."""
    subprocess.run(["openscad", "-o", stl, path], capture_output=True, timeout=600, check=True)
    return trimesh.load_mesh(stl)

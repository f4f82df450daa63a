"""Fillets and chamfers: by the B-rep kernel where it is installed, else a clear error that names the extra."""

import importlib.util
import math

import pytest

from cadmonkey.cad import brep
from cadmonkey.cad.ir import parse_ir
from cadmonkey.cad.openscad import print_openscad
from cadmonkey.cad.program import NotationError
from cadmonkey.cad.solid import SolidError, solid

SQUARE = "SK 0 0 0 1 0 0 0 1 0\nL 0 0 9 0\nL 9 0 9 9\nL 9 9 0 9\nL 0 9 0 0\nEND"
installed = importlib.util.find_spec("build123d") is not None
needs_kernel = pytest.mark.skipif(not installed, reason="the [brep] extra (build123d) is not installed")


@pytest.mark.skipif(installed, reason="the [brep] extra is installed")
@pytest.mark.parametrize("operation", ["FI", "CH"])
def test_without_the_extra_the_error_names_it(operation: str) -> None:
    with pytest.raises(SolidError, match=r"\[brep\]"):
        solid(parse_ir(f"C 1 1 1\n{operation} 0 0.1"))


def test_openscad_has_no_word_for_a_fillet() -> None:
    with pytest.raises(NotationError, match="OpenSCAD has no word"):
        print_openscad(parse_ir("C 1 1 1\nFI 0 0.1"))


@needs_kernel
def test_a_rounded_cube_has_the_volume_of_the_formula() -> None:
    made = solid(parse_ir("C 10 10 10\nFI 0 2"))
    inner, r = 6, 2
    volume = inner**3 + 6 * inner**2 * r + 3 * math.pi * inner * r**2 + 4 / 3 * math.pi * r**3
    assert made.volume() == pytest.approx(volume, rel=2e-3)
    assert made.bounding_box() == pytest.approx((0, 0, 0, 10, 10, 10), abs=1e-6)


@needs_kernel
@pytest.mark.parametrize(
    ("text", "volume"),
    [
        ("C 10 10 10\nCH 0 1", 1000 - 12 * 10 / 2 + 8 * (1 - 1 / 2 - 1 / 6)),
        ("Y 10 5\nCH 0 1", math.pi * (100 * 3 + 2 * (100 + 90 + 81) / 3)),
        (f"{SQUARE}\nE 0 0 0 9\nT 1 1 2 3\nR 2 10 20 30\nCH 3 0.01", 729),
        ("C 20 20 5\nY 3 9\nT 1 10 10 -1\nD 0 2\nFI 3 0.01", 2000 - math.pi * 45),
    ],
)  # fmt: skip
def test_chamfered_and_filleted_parts(text: str, volume: float) -> None:
    assert solid(parse_ir(text)).volume() == pytest.approx(volume, rel=3e-3)


@needs_kernel
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("C 1 1 1\nFI 0 9", "does not fit"),
        ("C 9 9 9\nSH 0 1\nFI 1 0.1", "cannot build"),
        ("C 9 9 9\nX 0 0.1 1 1\nFI 1 2", "does not fit"),
    ],
)
def test_what_the_kernel_cannot_do_is_a_clear_error(text: str, words: str) -> None:
    with pytest.raises(SolidError, match=words):
        solid(parse_ir(text))


def test_the_remedy_is_a_command() -> None:
    assert "pip install 'cadmonkey[brep]'" in brep.REMEDY

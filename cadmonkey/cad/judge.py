"""The judge: is this program the part that was asked for? Everything is measured on solids, in millimetres."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import permutations, product
from typing import Any

import numpy as np
from manifold3d import Manifold

from cadmonkey.cad.chords import chord_mm
from cadmonkey.cad.dimensions import Check, Stated, check_dimensions, check_kinds, failure_text
from cadmonkey.cad.facets import shell_sizes
from cadmonkey.cad.measure import body_count, differing_features, measure
from cadmonkey.cad.mesh import identical_mesh
from cadmonkey.cad.openscad import parse_openscad
from cadmonkey.cad.program import Program
from cadmonkey.cad.solid import SolidError, solid
from cadmonkey.errors import CadmonkeyError

TOLERANCE_MM = 0.03
"""How far a surface may lie from where it should: above the chord error of $fn = 96, below any stated size."""
CHORD_MM = 0.05
"""How far the flats of a curve with fewer than 24 sides may lie from it: half the least step between stated sizes."""
SPECK_MM3 = 1e-4
"""Differences smaller than this are rounding."""
MAX_MEASURED_TRIANGLES = 400_000
"""Triangles of a prediction that are still measured; a right part at $fn = 96 has a tenth of it."""
SOUGHT_IOU = 0.9999
"""A placement this good ends the search for a better one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the judge found; each check implies the ones above it only where that is said.

    `all_pass` is the headline: solid, as many bodies, holes, bosses and cavities, every stated dimension measured on
    the solid, the same box and volume, and no surface further than TOLERANCE_MM from its place, in the best of the 24
    axis rotations with the boxes' centres on each other, because a sentence says what a part is and not where it
    lies. A program that fails early fails all the rest.

    A program that is right with the reference's `$fn` and has another passes where each of its curves has 24 sides or
    more, or lies no further than CHORD_MM from its flats, and fails where one does not (docs/dimensions.md). Any other
    program counts as it is written, and so do twisted and tapered extrusions, whose layers follow `$fn`, and
    curves that the reference itself cuts more coarsely than that.
    """

    parses: bool = False
    solid: bool = False
    bodies_ok: bool = False
    box_ok: bool = False
    volume_ok: bool = False
    features_ok: bool = False
    """As many through and blind holes, bosses, cavities and openings as the reference."""
    dimensions_ok: bool = False
    """Every stated dimension holds; also where none is stated."""
    all_pass: bool = False
    iou: float = 0.0
    """Volume of the intersection over volume of the union, each part where its program puts it."""
    iou_rotated: float = 0.0
    """The best IoU over the 24 axis rotations, boxes centred on each other; in place where the shape is right there."""
    deviation_mm: float | None = None
    """Mean thickness of the thickest piece in which the two solids differ, in that best placement."""
    dimensions: list[Check] = field(default_factory=list)
    """{"kind", "name", "expected", "measured", "ok"} of every stated dimension; empty where there is no solid."""
    missing: list[str] = field(default_factory=list)
    """Features that the part lacks, by name: `1 through hole of 5 mm missing`."""
    spurious: list[str] = field(default_factory=list)
    """Features that it has too much: `a spurious boss of 8 mm`."""
    reason: str = ""
    """Why it did not pass, in a few words: the first of its faults."""

    def as_dict(self) -> dict[str, Any]:
        """The verdict as JSON holds it."""
        return asdict(self)


def judge(code: str, reference: str, stated: Sequence[Stated] = ()) -> Verdict:
    """Compare the part that `code` describes with the one that `reference` describes.

    Args:
        code: the program to judge.
        reference: the program of the part that was asked for.
        stated: the dimensions in the sentence, see `cadmonkey.cad.dimensions`; each is measured on the part.

    Raises:
        CadmonkeyError: the reference is not a solid, or a stated dimension is of no known kind.
    """
    check_kinds(stated)
    right = parse_openscad(reference)
    wanted = solid(right)
    if wanted.is_empty():
        raise SolidError("the reference program is empty")
    try:
        program = right if code == reference else parse_openscad(code)
    except CadmonkeyError as error:
        return Verdict(reason=f"does not parse: {error}")
    if program == right:
        return _judge_made(wanted, wanted, stated)
    if program.facets != right.facets:
        verdict = judge_solid(replace(program, facets=right.facets), wanted, stated)
        own = chord_mm(program) if verdict.all_pass else math.inf
        if CHORD_MM < own < math.inf:
            return _too_coarse(verdict, own)
        if own <= CHORD_MM and chord_mm(program, right.facets) <= CHORD_MM:
            return verdict
    return judge_solid(program, wanted, stated)


def judge_solid(program: Program, wanted: Manifold, stated: Sequence[Stated] = ()) -> Verdict:
    """Compare a program that parses with the solid it should be, each with its own fineness."""
    try:
        made = solid(program)
    except CadmonkeyError as error:
        return Verdict(parses=True, reason=f"no solid: {error}")
    return _judge_made(made, wanted, stated)


def _judge_made(made: Manifold, wanted: Manifold, stated: Sequence[Stated]) -> Verdict:
    if made.is_empty() or not made.volume() > SPECK_MM3:
        return Verdict(parses=True, reason="empty: nothing is left of the part")
    if made.num_tri() > MAX_MEASURED_TRIANGLES:
        reason = f"{made.num_tri():,} triangles, expected at most {MAX_MEASURED_TRIANGLES:,}; a smaller $fn is enough"
        return Verdict(parses=True, solid=True, reason=reason)
    return _compare(made, wanted, stated)


def _too_coarse(verdict: Verdict, off_mm: float) -> Verdict:
    reason = f"the flats of a curve lie {off_mm:.2f} mm off it, expected at most {CHORD_MM:g}; use a larger $fn"
    return replace(verdict, all_pass=False, reason=reason)


def placed_on(made: Manifold, wanted: Manifold) -> Manifold:
    """`made` where the judge compares it: in place, or in the best of the 24 axis rotations, centred on `wanted`."""
    return _best_placement(made, wanted, iou(made, wanted))[0]


def _compare(made: Manifold, wanted: Manifold, stated: Sequence[Stated]) -> Verdict:
    in_place = iou(made, wanted)
    placed, rotated, deviation = made, in_place, _deviation(made, wanted, in_place)
    if deviation > TOLERANCE_MM:
        placed, rotated = _best_placement(made, wanted, in_place)
        deviation = _deviation(placed, wanted, rotated)
    measured = measure(placed)
    missing, spurious = differing_features(measured, measure(wanted)) if deviation else ([], [])
    dimensions = check_dimensions(stated, measured)
    checks = {
        "bodies_ok": not deviation or body_count(made) == body_count(wanted),
        "features_ok": not missing and not spurious,
        "dimensions_ok": all(check["ok"] for check in dimensions),
        "box_ok": bool(np.allclose(box_size(placed), box_size(wanted), rtol=0, atol=2 * TOLERANCE_MM)),
        "volume_ok": abs(made.volume() - wanted.volume()) <= TOLERANCE_MM * wanted.surface_area(),
    }
    all_pass = all(checks.values()) and deviation <= TOLERANCE_MM
    reason = ""
    if not all_pass:
        faults = {
            "features_ok": (missing + spurious)[:1],
            "dimensions_ok": [failure_text(check) for check in dimensions if not check["ok"]][:1],
            **_differences(placed, wanted),
        }
        failed = [faults[name][0] for name, passed in checks.items() if not passed]
        reason = [*failed, f"a surface is {deviation:.2f} mm off"][0]
    return Verdict(
        parses=True,
        solid=True,
        **checks,
        all_pass=all_pass,
        iou=in_place,
        iou_rotated=rotated,
        deviation_mm=deviation,
        dimensions=dimensions,
        missing=missing,
        spurious=spurious,
        reason=reason,
    )


def _deviation(made: Manifold, wanted: Manifold, overlap: float) -> float:
    """`deviation_mm`, without a look at the pieces where all that differs at this IoU is a speck."""
    differs = (1 - overlap) * (made.volume() + wanted.volume()) > SPECK_MM3
    return deviation_mm(made, wanted) if differs else 0.0


def _differences(made: Manifold, wanted: Manifold) -> dict[str, list[str]]:
    """How two solids differ as a whole, in words, for each check on the whole."""
    return {
        "bodies_ok": [f"{body_count(made)} bodies, expected {body_count(wanted)}"],
        "box_ok": [f"box {size_text(box_size(made))}, expected {size_text(box_size(wanted))}"],
        "volume_ok": [f"volume {made.volume():,.1f} mm³, expected {wanted.volume():,.1f} mm³"],
    }


def iou(a: Manifold, b: Manifold) -> float:
    """Volume of the intersection over volume of the union, between 0 and 1."""
    if a is b or identical_mesh(a, b):
        return 1.0
    shared = float((a ^ b).volume())
    united = float(a.volume() + b.volume()) - shared
    return shared / united if united > 0 else 0.0


def deviation_mm(a: Manifold, b: Manifold) -> float:
    """How thick the thickest connected piece of `a` without `b` or `b` without `a` is on average; 0 if equal.

    The mean thickness of a thin piece is 2 V / A. A hole bored 0.5 mm too wide leaves a ring 0.25 mm thick, however
    large the plate around it: volume and IoU would hardly move.
    """
    thickest = 0.0
    for rest in (a - b, b - a):
        if rest.volume() > SPECK_MM3:
            volumes, areas = shell_sizes(rest)
            solid_shells = volumes > SPECK_MM3
            thickest = max(thickest, float((2 * volumes[solid_shells] / areas[solid_shells]).max(initial=0.0)))
    return thickest


def box_size(part: Manifold) -> tuple[float, float, float]:
    """The sides of the bounding box along x, y and z, in mm."""
    x0, y0, z0, x1, y1, z1 = part.bounding_box()
    return (x1 - x0, y1 - y0, z1 - z0)


def size_text(size: tuple[float, float, float]) -> str:
    """`50 x 30 x 5 mm`, to a hundredth."""
    return " x ".join(f"{side:.2f}".rstrip("0").rstrip(".") for side in size) + " mm"


def _best_placement(made: Manifold, wanted: Manifold, in_place: float) -> tuple[Manifold, float]:
    """`made` where it lies or in one of the 24 rotations, centred on `wanted`, and the best IoU of all."""
    best, best_iou = made, in_place
    centre = _centre(wanted)
    for rotation in _ROTATIONS:
        if best_iou >= SOUGHT_IOU:
            break
        turned = made.transform(np.column_stack([rotation, np.zeros(3)]))
        turned = turned.translate(tuple(centre - _centre(turned)))
        if _could_reach(turned, wanted) > best_iou and (score := iou(turned, wanted)) > best_iou:
            best, best_iou = turned, score
    return best, best_iou


def _could_reach(a: Manifold, b: Manifold) -> float:
    """An upper bound of the IoU: the boxes' intersection bounds that of the solids."""
    shared = min(float(np.prod(np.minimum(box_size(a), box_size(b)))), a.volume(), b.volume())
    return float(shared / (a.volume() + b.volume() - shared))


def _centre(part: Manifold) -> Any:
    box = np.asarray(part.bounding_box())
    return (box[:3] + box[3:]) / 2


def _rotations() -> list[Any]:
    """The 24 proper rotations of a cube as 3 x 3 matrices, the identity first."""
    matrices = []
    for order in permutations(range(3)):
        for signs in product((1.0, -1.0), repeat=3):
            matrix = np.zeros((3, 3))
            matrix[range(3), order] = signs
            if np.linalg.det(matrix) > 0:
                matrices.append(matrix)
    return matrices


_ROTATIONS = _rotations()

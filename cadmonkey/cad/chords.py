"""How far the flats of a program's curves lie from the curves, told from the tree alone."""

import math

import numpy as np

from cadmonkey.cad import affine, csg
from cadmonkey.cad.program import Facets, Program, SolidError
from cadmonkey.cad.section import section

ROUND_SIDES = 24
"""A curve of so many sides is taken for round: its size is that of the circle through its corners."""


def chord_mm(program: Program, facets: Facets | None = None) -> float:
    """The greatest distance of a curve from its flats, of those that have fewer than ROUND_SIDES all the way round.

    The fineness is the program's own or another.

    The program is one that `cadmonkey.cad.solid` has made a solid of: nothing is checked again.

    Curves with a fineness of their own keep it, and are left out. It is infinite where the fineness decides more than
    the number of flats: in twisted and tapered extrusions, in edges that are rounded all over, and in sketches, whose
    arcs are cut when they are read.
    """
    return _chord(program.root, facets or program.facets, 1.0)


def _chord(node: csg.Node, facets: Facets, scale: float) -> float:
    match node:
        case csg.Cylinder() | csg.Sphere() | csg.Circle():
            return 0.0 if node.fn is not None else scale * _sagitta(node.r, facets)
        case csg.Cone():
            return 0.0 if node.fn is not None else scale * _sagitta(max(node.r1, node.r2), facets)
        case csg.Fillet() | csg.Chamfer() | csg.Shell() | csg.Polygon(outline=[_, *_]):
            return math.inf
        case csg.LinearExtrude() if node.slices is None and (node.twist or node.scale != (1, 1)):
            return math.inf
    own = 0.0
    if isinstance(node, csg.Offset) and node.corners == "round" and node.fn is None:
        own = scale * _sagitta(abs(node.distance), facets)
    if isinstance(node, csg.RotateExtrude) and node.fn is None:
        own = scale * _sagitta(_reach(node.child, facets), facets)
    if isinstance(node, csg.Scale | csg.Transform):
        scale *= float(np.linalg.norm(affine.of_move(node)[:, :3], 2))
    return max([own, *(_chord(child, facets, scale) for child in csg.children_of(node))])


def _sagitta(radius: float, facets: Facets) -> float:
    sides = facets.around(float(radius))
    return 0.0 if sides >= ROUND_SIDES else float(radius) * (1 - math.cos(math.pi / sides))


def _reach(node: csg.Node, facets: Facets) -> float:
    """The greatest distance of a flat shape from x = 0."""
    try:
        left, _, right, _ = section(node, facets).bounds()
    except SolidError:
        return math.inf
    return float(max(-left, right))

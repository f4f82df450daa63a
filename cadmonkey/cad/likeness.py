"""Whether two trees are one solid by the way that they are built, so that no solid has to be compared.

Equal operations on equal shapes make equal solids. The two notations say a part with trees that differ in the flat
shapes alone: a circle here is a sketch of arcs there, and a union of flat shapes is raised as a union of solids. Those
shapes are evaluated, and the corners of their areas compared, which costs a hundredth of a boolean of the solids.
"""

from dataclasses import replace

import numpy as np
from manifold3d import CrossSection

from cadmonkey.cad import csg
from cadmonkey.cad.facets import Floats
from cadmonkey.cad.program import Program
from cadmonkey.cad.section import section

SAME_CORNER_MM = 2e-8
"""Corners that differ by less are one: twice the grid on which areas are kept."""


def built_alike(one: Program, other: Program) -> bool:
    """Whether two programs make one solid for certain; where they are not, their solids may still be equal."""
    if one.facets != other.facets or not one.facets.fn > 0:  # without $fn, a hair decides how many sides a circle has
        return False
    return one.root == other.root or _alike(_spread(one.root), _spread(other.root), one)


def _spread(node: csg.Node) -> csg.Node:
    """The same solid in other words: booleans of flat shapes are raised shape by shape, a prism is a raised circle."""
    match node:
        case csg.Union() | csg.Difference() | csg.Intersection():
            return type(node)(tuple(map(_spread, node.children)))
        case csg.LinearExtrude(child=csg.Union() | csg.Difference() | csg.Intersection() as flat) if _is_straight(node):
            return type(flat)(tuple(_spread(replace(node, child=child)) for child in flat.children))
        case csg.Cylinder(fn=int() as sides):
            return csg.LinearExtrude(node.h, csg.Circle(node.r, sides))
        case csg.Translate() | csg.Rotate() | csg.Turn() | csg.Scale() | csg.Mirror() | csg.Transform():
            return replace(node, child=_spread(node.child))
        case csg.LinearPattern() | csg.CircularPattern():
            return replace(node, child=_spread(node.child))
    return node


def _is_straight(node: csg.LinearExtrude) -> bool:
    return node.twist == 0 and node.scale == (1, 1) and node.child != csg.Union(())


def _alike(one: csg.Node, other: csg.Node, program: Program) -> bool:
    """Whether two spread trees have the same operations, and the same shapes for leaves."""
    if one == other:
        return True
    children, others = csg.children_of(one), csg.children_of(other)
    if type(one) is not type(other) or len(children) != len(others):
        return False
    if tuple(csg.numbers_of(one)) != tuple(csg.numbers_of(other)) or not children:
        return False
    if isinstance(one, csg.RotateExtrude) or (isinstance(one, csg.LinearExtrude) and _is_straight(one)):
        return _same_area(section(children[0], program.facets), section(others[0], program.facets))
    if isinstance(one, csg.Boolean | csg.Move | csg.Pattern):
        return all(_alike(child, facing, program) for child, facing in zip(children, others, strict=True))
    return False


def _same_area(one: CrossSection, other: CrossSection) -> bool:
    loops, others = one.to_polygons(), other.to_polygons()
    return len(loops) == len(others) and all(any(_same_loop(a, b) for b in others) for a in loops)


def _same_loop(one: Floats, other: Floats) -> bool:
    """Whether two closed lines have the same corners in the same order, wherever they begin."""
    if len(one) != len(other):
        return False
    start = int(np.abs(other - one[0]).sum(axis=1).argmin())
    return bool(np.abs(np.roll(other, -start, axis=0) - one).max() <= SAME_CORNER_MM)

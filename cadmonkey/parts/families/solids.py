"""What the families build from: moved and laid shapes, slots, rows, prisms, and their words."""

from collections.abc import Sequence

from cadmonkey.cad import csg
from cadmonkey.cad.quantity import Quantity


def at(x: float, y: float, z: float, node: csg.Node) -> csg.Node:
    """`node` moved."""
    return csg.Translate((x, y, z), node)


def cube(x: float, y: float, z: float) -> csg.Node:
    """A box with a corner at the origin."""
    return csg.Cube((x, y, z))


def along_x(node: csg.Node) -> csg.Node:
    """What stands on z, laid down along +x."""
    return csg.Rotate((0, 90, 0), node)


def along_y(node: csg.Node) -> csg.Node:
    """What stands on z, laid down along +y."""
    return csg.Rotate((-90, 0, 0), node)


def prism(points: Sequence[tuple[float, float]], end: float, depth: float) -> csg.Node:
    """A side view, in x and z, drawn out over `depth` along y up to y = `end`."""
    profile = csg.LinearExtrude(depth, csg.Polygon(tuple(points)))
    return at(0, end, 0, csg.Rotate((90, 0, 0), profile))


def row(count: float, pitch: float, node: csg.Node, axis: csg.Vector = csg.X_AXIS) -> csg.Node:
    """`count` copies of `node`, the first in place."""
    return csg.LinearPattern(axis, count, pitch, node)


def slot(length: Quantity, width: Quantity, depth: float, across: bool = False) -> tuple[csg.Node, ...]:
    """The pieces of a slot's cutter, its middle at the origin: along x, or along y if `across`."""
    low, high = (width - length) / 2, (length - width) / 2
    end = csg.Cylinder(width / 2, depth)
    if across:
        ends = (at(0, low, 0, end), at(0, high, 0, end))
        return (at(-width / 2, low, 0, cube(width, length - width, depth)), *ends)
    ends = (at(low, 0, 0, end), at(high, 0, 0, end))
    return (at(low, -width / 2, 0, cube(length - width, width, depth)), *ends)


def both_sides(side: Quantity, apart: Quantity) -> tuple[Quantity, Quantity]:
    """Two places `apart` from each other, centred on a side."""
    return (side - apart) / 2, (side + apart) / 2


def rounded(length: Quantity, width: Quantity, thickness: Quantity, radius: Quantity) -> csg.Node:
    """A plate with round corners: two bars crosswise and a cylinder in each corner."""
    bars = (
        at(radius, 0, 0, cube(length - 2 * radius, width, thickness)),
        at(0, radius, 0, cube(length, width - 2 * radius, thickness)),
    )
    corner = csg.Cylinder(radius, thickness)
    corners = [at(x, y, 0, corner) for x in (radius, length - radius) for y in (radius, width - radius)]
    return csg.union(*bars, *corners)

"""Moves as matrices: three rows of four doubles, the last column the translation; angles in degrees."""

import math

import numpy as np
import numpy.typing as npt

from cadmonkey.cad import csg

Rows = npt.NDArray[np.float64]
"""A `(3, 4)` affine map."""
_HALVES = {0: 0.0, 30: 0.5, 90: 1.0, 150: 0.5, 180: 0.0, 210: -0.5, 270: -1.0, 330: -0.5}
"""The sines that are exact, as OpenSCAD has them."""


def sine(degrees: float) -> float:
    """The sine, exact where it is a half or a whole."""
    turn = math.fmod(degrees, 360)
    turn += 360 if turn < 0 else 0
    return _HALVES[int(turn)] if turn in _HALVES else math.sin(math.radians(turn))


def cosine(degrees: float) -> float:
    """The cosine, exact where it is a half or a whole."""
    return sine(math.fmod(degrees, 360) + 90)


def about_axis(angle: float, axis: csg.Vector) -> Rows:
    """The rotation by `angle` about `axis` through the origin (Rodrigues)."""
    x, y, z = np.asarray(axis, float) / csg.length_of(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    turn = np.eye(3) + sine(angle) * cross + (1 - cosine(angle)) * cross @ cross
    return _rows(turn)


def about_axes(angles: csg.Vector) -> Rows:
    """The rotation about x, then y, then z."""
    x, y, z = map(float, angles)
    turn = about_axis(z, csg.Z_AXIS)[:, :3] @ about_axis(y, csg.Y_AXIS)[:, :3] @ about_axis(x, csg.X_AXIS)[:, :3]
    return _rows(turn)


def angles_of(turn: npt.NDArray[np.float64]) -> csg.Vector:
    """The angles about x, then y, then z that make this `(3, 3)` rotation; the inverse of `about_axes`."""
    across = math.hypot(turn[0, 0], turn[1, 0])
    y = math.atan2(-turn[2, 0], across)
    if across > 1e-9:
        x, z = math.atan2(turn[2, 1], turn[2, 2]), math.atan2(turn[1, 0], turn[0, 0])
    else:
        x, z = math.atan2(-turn[1, 2], turn[1, 1]), 0.0
    return (_tidy(math.degrees(x)), _tidy(math.degrees(y)), _tidy(math.degrees(z)))


def of_move(node: csg.Move) -> Rows:
    """The matrix of one move."""
    match node:
        case csg.Translate():
            return moved(np.eye(3), node.offset)
        case csg.Rotate():
            return about_axes(node.angles)
        case csg.Turn():
            return about_axis(float(node.angle), node.axis)
        case csg.Scale():
            return _rows(np.diag(np.asarray(node.factors, float)))
        case csg.Mirror():
            normal = np.asarray(node.normal, float) / csg.length_of(node.normal)
            return _rows(np.eye(3) - 2 * np.outer(normal, normal))
        case csg.Transform():
            return np.asarray(node.matrix, float)


def of_copies(node: csg.Pattern) -> list[Rows]:
    """The matrix of each copy that a pattern makes."""
    count = int(node.count)
    if isinstance(node, csg.LinearPattern):
        step = np.asarray(node.direction, float) / csg.length_of(node.direction) * float(node.spacing)
        return [moved(np.eye(3), tuple(i * step)) for i in range(count)]
    turns = [about_axis(i * float(node.angle) / count, node.axis)[:, :3] for i in range(count)]
    origin = np.asarray(node.origin, float)
    return [moved(turn, tuple(origin - turn @ origin)) for turn in turns]


def moved(turn: npt.NDArray[np.float64], offset: csg.Vector) -> Rows:
    """`turn` (3, 3), then a move by `offset`."""
    return np.column_stack([turn, np.asarray(offset, float)])


def _rows(turn: npt.NDArray[np.float64]) -> Rows:
    return moved(turn, csg.ORIGIN)


def _tidy(degrees: float) -> float:
    """The whole number of degrees that rounding has blurred, if there is one."""
    return float(round(degrees)) if abs(degrees - round(degrees)) < 1e-9 else degrees

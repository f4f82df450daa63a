"""Flat areas raised or swept into solids, cut into the same layers and triangles as OpenSCAD 2021.01 cuts them."""

import math

import numpy as np
import numpy.typing as npt
from manifold3d import CrossSection, Manifold, Mesh64, triangulate

from cadmonkey.cad import affine, csg
from cadmonkey.cad.program import MAX_FACETS, Facets, SolidError

_EQUAL = 1e-5
"""Diagonals whose lengths differ by less than this share count as equal."""
MAX_SWEPT = 500_000
"""Triangles of one extrusion or sphere."""


def bound_sweep(points: int, layers: int) -> None:
    """Refuse a surface before it is made.

    Raises:
        SolidError: it would have more than MAX_SWEPT triangles.
    """
    if 2 * points * layers > MAX_SWEPT:
        raise SolidError(f"expected at most {MAX_SWEPT} triangles in one shape; use a smaller $fn or fewer slices")


def linear_extrude(node: csg.LinearExtrude, area: CrossSection, facets: Facets) -> Manifold:
    """Raise `area`; empty stays empty.

    Raises:
        SolidError: more than MAX_FACETS layers.
    """
    height, scale = float(node.height), (float(node.scale[0]), float(node.scale[1]))
    if area.is_empty():
        return Manifold()
    if node.twist == 0 and scale[0] == scale[1]:
        return area.extrude(height, 0, 0.0, scale)
    loops = area.to_polygons()
    slices = node.slices if node.slices is not None else _slices(node, np.vstack(loops), facets)
    if slices > MAX_FACETS:
        raise SolidError(f"linear_extrude: expected at most {MAX_FACETS} slices, got {slices}")
    bound_sweep(sum(map(len, loops)), slices)
    return Manifold(_layered(node, loops, slices))


def is_whole(node: csg.RotateExtrude) -> bool:
    """Whether it goes all the way round."""
    return not -360 < node.angle < 360


def segments_of(node: csg.RotateExtrude, area: CrossSection, facets: Facets) -> int:
    """The number of pieces in which an area that is not empty is swept.

    Raises:
        SolidError: an area on both sides of the axis, or more than MAX_FACETS segments.
    """
    left, _, right, _ = area.bounds()
    if left < -1e-6 and right > 1e-6:
        raise SolidError("rotate_extrude: expected a shape on one side of x = 0, got one on both")
    sides = node.fn if node.fn is not None else facets.around(max(right, -left))
    segments = sides if is_whole(node) else max(int(sides * abs(float(node.angle)) / 360 + 1e-9), 1)
    if segments > MAX_FACETS:
        raise SolidError(f"rotate_extrude: expected at most {MAX_FACETS} segments, got {segments}")
    bound_sweep(area.num_vert(), segments)
    return segments


def rotate_extrude(node: csg.RotateExtrude, area: CrossSection, segments: int) -> Manifold:
    """Sweep `area`, which is not empty, about z."""
    left = area.bounds()[0]
    angle, whole = float(node.angle), is_whole(node)
    turned = _swept(area.mirror((1.0, 0.0)) if left < -1e-6 else area, 360.0 if whole else abs(angle), segments)
    start = 180.0 if whole and left >= -1e-6 else 0.0
    start += 180.0 if left < -1e-6 and not whole else 0.0
    return turned.rotate((0.0, 0.0, start + (angle if angle < 0 and not whole else 0.0)))


def _swept(area: CrossSection, angle: float, segments: int) -> Manifold:
    """Sweep from +x counterclockwise. The kernel's own revolve makes no fewer than three segments."""
    if segments > 2:
        return area.revolve(segments, angle)

    def bend(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        turns = [math.radians(angle * (1 - height / segments)) for height in points[:, 2]]
        return np.column_stack([points[:, 0] * np.cos(turns), points[:, 0] * np.sin(turns), points[:, 1]])

    return area.extrude(segments, segments - 1).warp_batch(bend)


def _slices(node: csg.LinearExtrude, points: npt.NDArray[np.float64], facets: Facets) -> int:
    """OpenSCAD's number of layers: a vertex moves no further between two than the facets allow."""
    height, twist, (x, y) = float(node.height), abs(float(node.twist)), map(float, node.scale)
    fs, fa = max(facets.fs, 0.01), max(facets.fa, 0.01)
    if twist == 0:
        longest = float(np.linalg.norm(points * (1 - np.array([x, y])), axis=1).max())
        return max(int(facets.fn) if facets.fn > 0 else math.ceil(math.hypot(longest, height) / fs), 1)
    fewest = max(math.ceil(twist / 120), 1)
    if facets.fn > 0:
        return max(math.ceil(twist / 360 * facets.fn), fewest)
    radius, turn = float(np.linalg.norm(points, axis=1).max()), math.radians(twist)
    path = turn * radius if x != y or x == 1 else _spiral(radius, turn, x)
    return max(min(math.ceil(twist / fa), math.ceil(math.hypot(path, height) / fs)), fewest)


def _spiral(radius: float, turn: float, scale: float) -> float:
    """The length of the Archimedean spiral from `radius` to `scale * radius` in `turn` radians."""
    end = turn * scale / (scale - 1) if scale > 1 else turn / (1 - scale)

    def length(angle: float) -> float:
        return radius / end * (angle * math.sqrt(1 + angle**2) + math.asinh(angle)) / 2

    return length(end) - length(end - turn)


def _layered(node: csg.LinearExtrude, loops: list[npt.NDArray[np.float64]], slices: int) -> Mesh64:
    base = np.vstack(loops)
    layers = [_layer(node, base, k / slices) for k in range(slices + 1)]
    vertices, caps, count = np.vstack(layers), np.asarray(triangulate(loops)), len(base)
    here = np.arange(count)
    ends = np.cumsum([len(loop) for loop in loops])
    following = here + 1
    following[ends - 1] = ends - [len(loop) for loop in loops]
    rows = np.arange(slices)[:, None] * count
    a, b = (rows + here).ravel(), (rows + following).ravel()
    sides = _sides(vertices, a, b, count, float(node.twist) > 0)
    triangles = np.vstack([caps[:, ::-1], *sides, caps + count * slices])
    return Mesh64(vertices, triangles.astype(np.uint64))


def _layer(node: csg.LinearExtrude, base: npt.NDArray[np.float64], share: float) -> npt.NDArray[np.float64]:
    """The outline at this share of the height: turned first, then scaled."""
    turn = affine.about_axis(-float(node.twist) * share, csg.Z_AXIS)[:2, :2]
    scale = 1 + (np.asarray(node.scale, float) - 1) * share
    return np.column_stack([base @ turn.T * scale, np.full(len(base), float(node.height) * share)])


def _sides(
    vertices: npt.NDArray[np.float64], a: npt.NDArray[np.int64], b: npt.NDArray[np.int64], up: int, clockwise: bool
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The two triangles of each side, split along the shorter diagonal; of equal ones, the one that bulges."""
    rising, falling = (
        np.linalg.norm((vertices[low] - vertices[high + up])[:, :2], axis=1) for low, high in ((a, b), (b, a))
    )
    equal = np.abs(rising - falling) * 2 <= _EQUAL * (rising + falling)
    split = np.where(equal, clockwise, rising < falling)[:, None]
    first = np.where(split, np.column_stack([a, b, b + up]), np.column_stack([a, b, a + up]))
    second = np.where(split, np.column_stack([a, b + up, a + up]), np.column_stack([b, b + up, a + up]))
    return first, second

"""The facets of a solid: its triangles gathered into flat faces, and the slight bends between these."""

from dataclasses import dataclass

import numpy as np
from manifold3d import Manifold
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

FLAT_DEG = 0.05
"""Triangles that bend less belong to one face."""
SMOOTH_DEG = 46.0
"""Faces that bend less are taken for pieces of one curved surface: an octagon is round, a hexagon is not."""
MOST_NEIGHBOURS = 10
"""A face with more slight bends than this is a flat that ends a curved surface, such as the top of a low frustum."""
_FLAT, _SMOOTH = np.cos(np.radians([FLAT_DEG, SMOOTH_DEG]))


@dataclass(frozen=True, slots=True)
class Facets:
    """Flat faces of a solid (numbered), and the slight bends between them."""

    points: Floats
    """(points, 3), in mm."""
    normals: Floats
    """(faces, 3), unit vectors that point out of the material."""
    offsets: Floats
    """(faces,), distance of each face's plane from the origin along its normal."""
    areas: Floats
    """(faces,), mm²."""
    corners: Integers
    """Points of all faces, one face after the other; a point may come several times."""
    starts: Integers
    """(faces + 1,), where in `corners` each face begins."""
    bends: Integers
    """(bends, 2), the faces on both sides of each slight bend, every pair once a line."""
    bend_ends: Integers
    """(bends, 2), the points between which it runs."""
    borders: Integers
    """(borders, 2), the faces on both sides of every edge between faces."""
    border_ends: Integers
    """(borders, 2), the points between which it runs."""

    def __len__(self) -> int:
        return len(self.areas)

    def corners_of(self, faces: Integers) -> Floats:
        """The points of these faces, (n, 3)."""
        return self.points[distinct(self.corners[self.spans_of(faces)[0]])]

    def spans_of(self, faces: Integers) -> tuple[Integers, Integers]:
        """Return where in `corners` these faces have theirs, one face after the other, and where there each begins."""
        counts = self.starts[faces + 1] - self.starts[faces]
        begin = np.cumsum(counts) - counts
        return np.arange(counts.sum()) + np.repeat(self.starts[faces] - begin, counts), begin


def facets_of(part: Manifold) -> Facets:
    """Gather the triangles of a solid that is not empty into flat faces."""
    points, triangles = _triangles(part)
    edges, sides = pair_edges(triangles, len(points))
    a, b, c = points[triangles.T]
    crosses = cross(b - a, c - a)
    flat = _cosine(crosses, sides) > _FLAT
    face = components(len(triangles), sides[flat])
    normals = np.stack([np.bincount(face, crosses[:, axis]) for axis in range(3)], axis=1).astype(np.float64)
    doubled = lengths(normals)
    normals /= np.maximum(doubled, 1e-300)[:, None]
    order = np.argsort(face, kind="stable")
    starts = np.searchsorted(face[order], np.arange(len(normals) + 1)) * 3
    corners = triangles[order].ravel()
    borders = face[sides]
    differ = borders[:, 0] != borders[:, 1]
    borders, edges = borders[differ], edges[differ]
    bends, ends = _slight_bends(normals, borders, edges)
    offsets = dots(normals, points[corners[starts[:-1]]])
    return Facets(points, normals, offsets, doubled / 2, corners, starts, bends, ends, borders, edges)


def shell_sizes(part: Manifold) -> tuple[Floats, Floats]:
    """Return volume and area of every connected shell, (shells,) each; the shell of a cavity has a negative volume.

    What `Manifold.decompose` would tell, without making a solid of each of a thousand slivers.
    """
    points, triangles = _triangles(part)
    links = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]]])
    shell = components(len(points), links)[triangles[:, 0]]
    # Volumes are summed from a point nearby, where they lose the fewest digits.
    a, b, c = (points - points.mean(axis=0))[triangles.T]
    crosses = cross(b - a, c - a)
    volumes = np.bincount(shell, np.einsum("ij,ij->i", a, crosses) / 6).astype(np.float64)
    areas = np.bincount(shell, lengths(crosses) / 2).astype(np.float64)
    return volumes, np.maximum(areas, 1e-300)


def _triangles(part: Manifold) -> tuple[Floats, Integers]:
    """Return the points of a solid and its triangles, equal points being one."""
    mesh = part.to_mesh64()
    points = np.asarray(mesh.vert_properties, np.float64)[:, :3]
    weld = np.arange(len(points))
    weld[np.asarray(mesh.merge_from_vert, np.int64)] = np.asarray(mesh.merge_to_vert, np.int64)
    return points, weld[np.asarray(mesh.tri_verts, np.int64)]


def pair_edges(triangles: Integers, points: int) -> tuple[Integers, Integers]:
    """Return the edges of a closed mesh, (edges, 2) points, and the two triangles beside each."""
    half = triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    key = half.min(axis=1) * points + half.max(axis=1)
    order = np.argsort(key, kind="stable")
    order = order[: len(order) // 2 * 2].reshape(-1, 2)
    return half[order[:, 0]], order // 3


def components(count: int, links: Integers) -> Integers:
    """Number the connected components of `count` things from 0, given (links, 2) pairs of them."""
    label = np.arange(count)
    one, other = links.reshape(-1, 2).T
    while True:
        first, second = label[one], label[other]
        differ = first != second
        if not differ.any():
            break
        # Each label hangs itself on a lower one that it is linked to, then all are followed to the lowest.
        first, second = first[differ], second[differ]
        label[np.maximum(first, second)] = np.minimum(first, second)
        while (label != (after := label[label])).any():
            label = after
    lowest = label == np.arange(count)
    return np.asarray((np.cumsum(lowest) - 1)[label])


def distinct(numbers: Integers) -> Integers:
    """The numbers in order, each once."""
    numbers = np.sort(numbers)
    fresh = np.ones(len(numbers), bool)
    np.not_equal(numbers[1:], numbers[:-1], out=fresh[1:])
    return numbers[fresh]


def _slight_bends(normals: Floats, faces: Integers, edges: Integers) -> tuple[Integers, Integers]:
    """Return the pairs of faces that bend slightly, each once, with the ends of one edge between them."""
    cosine = _cosine(normals, faces)
    slight = (cosine > _SMOOTH) & (cosine < _FLAT)
    faces, edges = faces[slight], edges[slight]
    _, first = np.unique(faces.min(axis=1) * len(normals) + faces.max(axis=1), return_index=True)
    faces, edges = faces[first], edges[first]
    neighbours = np.bincount(faces.ravel(), minlength=len(normals))
    few = (neighbours[faces] <= MOST_NEIGHBOURS).all(axis=1)
    return faces[few], edges[few]


def _cosine(vectors: Floats, pairs: Integers) -> Floats:
    units = vectors / np.maximum(lengths(vectors), 1e-150)[:, None]
    return dots(units[pairs[:, 0]], units[pairs[:, 1]])


def cross(one: Floats, other: Floats) -> Floats:
    """The cross products of vectors, (n, 3) or one: numpy's own takes three times as long for a few of them."""
    (a, b, c), (d, e, f) = one.T, other.T
    return np.array([b * f - c * e, c * d - a * f, a * e - b * d]).T


def dots(one: Floats, other: Floats) -> Floats:
    """The products of vectors with their partners: (n,) of (n, 3) each, or one of one."""
    return np.asarray(np.vecdot(one, other))


def lengths(vectors: Floats) -> Floats:
    """The lengths of vectors: (n,) of (n, 3), or one of one."""
    return np.asarray(np.sqrt(dots(vectors, vectors)))


def off_line(points: Floats, through: Floats, along: Floats) -> Floats:
    """How far points, (n, 3) or one, are from the line through a point along a unit vector."""
    away = points - through
    return lengths(away - (away @ along)[..., None] * along)

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
        corners = np.concatenate([self.corners[self.starts[f] : self.starts[f + 1]] for f in faces])
        return np.asarray(self.points[np.unique(corners)])


def facets_of(part: Manifold) -> Facets:
    """Gather the triangles of a solid that is not empty into flat faces."""
    points, triangles = _triangles(part)
    edges, sides = pair_edges(triangles, len(points))
    crosses = np.cross(
        points[triangles[:, 1]] - points[triangles[:, 0]], points[triangles[:, 2]] - points[triangles[:, 0]]
    )
    flat = _cosine(crosses, sides) > np.cos(np.radians(FLAT_DEG))
    face = components(len(triangles), sides[flat])
    normals = np.column_stack([np.bincount(face, crosses[:, axis]) for axis in range(3)]).astype(np.float64)
    doubled = np.linalg.norm(normals, axis=1)
    normals /= np.maximum(doubled, 1e-300)[:, None]
    order = np.argsort(face, kind="stable")
    starts = np.searchsorted(face[order], np.arange(len(normals) + 1)) * 3
    corners = triangles[order].ravel()
    differ = face[sides[:, 0]] != face[sides[:, 1]]
    borders, edges = face[sides[differ]], edges[differ]
    bends, ends = _slight_bends(normals, borders, edges)
    offsets = np.einsum("ij,ij->i", normals, points[corners[starts[:-1]]])
    return Facets(points, normals, offsets, doubled / 2, corners, starts, bends, ends, borders, edges)


def shell_sizes(part: Manifold) -> tuple[Floats, Floats]:
    """Return volume and area of every connected shell, (shells,) each; the shell of a cavity has a negative volume.

    What `Manifold.decompose` would tell, without making a solid of each of a thousand slivers.
    """
    points, triangles = _triangles(part)
    links = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]]])
    shell = components(len(points), links)[triangles[:, 0]]
    # Volumes are summed from a point nearby, where they lose the fewest digits.
    a, b, c = np.moveaxis(points[triangles] - points.mean(axis=0), 1, 0)
    crosses = np.cross(b - a, c - a)
    volumes = np.bincount(shell, np.einsum("ij,ij->i", a, crosses) / 6).astype(np.float64)
    areas = np.bincount(shell, np.linalg.norm(crosses, axis=1) / 2).astype(np.float64)
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
        low = np.minimum(label[one], label[other])
        after = label.copy()
        for end in (one, other):
            np.minimum.at(after, label[end], low)
        after = after[after]
        if np.array_equal(after, label):
            return np.unique(label, return_inverse=True)[1].astype(np.int64)
        label = after


def _slight_bends(normals: Floats, faces: Integers, edges: Integers) -> tuple[Integers, Integers]:
    """Return the pairs of faces that bend slightly, each once, with the ends of one edge between them."""
    cosine = _cosine(normals, faces)
    slight = (cosine > np.cos(np.radians(SMOOTH_DEG))) & (cosine < np.cos(np.radians(FLAT_DEG)))
    faces, edges = faces[slight], edges[slight]
    _, first = np.unique(faces.min(axis=1) * len(normals) + faces.max(axis=1), return_index=True)
    faces, edges = faces[first], edges[first]
    neighbours = np.bincount(faces.ravel(), minlength=len(normals))
    few = (neighbours[faces] <= MOST_NEIGHBOURS).all(axis=1)
    return faces[few], edges[few]


def _cosine(vectors: Floats, pairs: Integers) -> Floats:
    lengths = np.maximum(np.linalg.norm(vectors, axis=1), 1e-150)  # the product of two is still above 0
    dot = np.einsum("ij,ij->i", vectors[pairs[:, 0]], vectors[pairs[:, 1]])
    return np.asarray(dot / (lengths[pairs[:, 0]] * lengths[pairs[:, 1]]))

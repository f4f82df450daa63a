"""A vectorised z-buffer: triangles in, the nearest triangle of every pixel out; numpy only, so it runs anywhere."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

FRAGMENTS_AT_ONCE = 4_000_000
"""Bounds the memory of one pass (about 100 bytes a fragment) however much the triangles overlap."""


@dataclass(frozen=True)
class Frame:
    """What the z-buffer holds: per pixel the nearest depth (-inf: nothing) and the triangle seen (-1: nothing)."""

    depth: Floats
    triangle: Integers

    @property
    def covered(self) -> NDArray[np.bool_]:
        """Where any triangle is seen, `(height, width)`."""
        return self.triangle >= 0


def planes(corners: Floats, values: Floats) -> Floats:
    """Return `(triangles, 3)` coefficients a, b, c of a·x + b·y + c, which takes `values` at the corners.

    Args:
        corners: `(triangles, 3, 2)` pixel coordinates.
        values: `(triangles, 3)` one value a corner; an edge-on triangle becomes the constant of its first corner.
    """
    (x1, y1), (x2, y2) = (corners[:, 1] - corners[:, 0]).T, (corners[:, 2] - corners[:, 0]).T
    v1, v2 = values[:, 1] - values[:, 0], values[:, 2] - values[:, 0]
    twice_area = x1 * y2 - x2 * y1
    inverse = np.divide(1.0, twice_area, out=np.zeros_like(twice_area), where=np.abs(twice_area) > 1e-9)
    a, b = (v1 * y2 - v2 * y1) * inverse, (v2 * x1 - v1 * x2) * inverse
    return np.stack([a, b, values[:, 0] - a * corners[:, 0, 0] - b * corners[:, 0, 1]], axis=1)


def rasterise(corners: Floats, depth: Floats, width: int, height: int) -> Frame:
    """Draw triangles into a z-buffer; larger depth is nearer.

    Args:
        corners: `(triangles, 3, 2)` pixel coordinates, y down; pixel (0, 0) has its centre at (0.5, 0.5).
        depth: `(triangles, 3)` the corners' depths.
        width: pixels.
        height: pixels.
    """
    nearest = np.full(width * height, -np.inf)
    seen = np.full(width * height, -1, dtype=np.int64)
    rows = _rows(corners, height)
    starts, counts = _spans(corners, *rows, width)
    a, b, c = planes(corners, depth).T
    for part in _batches(counts):
        triangle, row, n = rows[0][part], rows[1][part], counts[part]
        offset = _offsets(n)
        pixel = np.repeat(row * width + starts[part], n) + offset
        first = a[triangle] * (starts[part] + 0.5) + b[triangle] * (row + 0.5) + c[triangle]
        z = np.repeat(first, n) + np.repeat(a[triangle], n) * offset
        np.maximum.at(nearest, pixel, z)
        wins = z == nearest[pixel]
        seen[pixel[wins]] = np.repeat(triangle, n)[wins]
    return Frame(nearest.reshape(height, width), seen.reshape(height, width))


def _rows(corners: Floats, height: int) -> tuple[Integers, Integers]:
    """Return (triangle, pixel row) for every row whose centre line crosses a triangle."""
    y = corners[:, :, 1]
    top = np.clip(np.ceil(y.min(axis=1) - 0.5), 0, height).astype(np.int64)
    bottom = np.clip(np.ceil(y.max(axis=1) - 0.5), 0, height).astype(np.int64)
    counts = np.maximum(bottom - top, 0)
    triangle = np.repeat(np.arange(len(corners)), counts)
    return triangle, np.repeat(top, counts) + _offsets(counts)


def _spans(corners: Floats, triangle: Integers, row: Integers, width: int) -> tuple[Integers, Integers]:
    """Return (first pixel, number of pixels) of every row of every triangle; a pixel counts when its centre is in."""
    ordered = np.take_along_axis(corners, np.argsort(corners[:, :, 1], axis=1)[:, :, None], axis=1)
    high, middle, low = ordered[triangle, 0], ordered[triangle, 1], ordered[triangle, 2]
    y = (row + 0.5).astype(np.float64, copy=False)
    above = (y < middle[:, 1])[:, None]
    long_side = _crossing(high, low, y)
    short_side = _crossing(np.where(above, high, middle), np.where(above, middle, low), y)
    left, right = np.minimum(long_side, short_side), np.maximum(long_side, short_side)
    first = np.clip(np.ceil(left - 0.5), 0, width).astype(np.int64)
    after = np.clip(np.ceil(right - 0.5), 0, width).astype(np.int64)
    return first, np.maximum(after - first, 0)


def _crossing(start: Floats, end: Floats, y: Floats) -> Floats:
    rise = end[:, 1] - start[:, 1]
    share = np.divide(y - start[:, 1], rise, out=np.zeros_like(rise), where=rise > 0)
    return np.asarray(start[:, 0] + share * (end[:, 0] - start[:, 0]))


def _offsets(counts: Integers) -> Integers:
    """Return 0..n-1 for each n of `counts`, one after the other."""
    return np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)


def _batches(counts: Integers) -> list[Any]:
    """Return slices of `counts` with about FRAGMENTS_AT_ONCE fragments each."""
    total = np.cumsum(counts)
    if not len(total) or total[-1] == 0:
        return []
    cuts = np.searchsorted(total, np.arange(FRAGMENTS_AT_ONCE, total[-1], FRAGMENTS_AT_ONCE))
    edges = np.unique(np.concatenate([[0], cuts + 1, [len(counts)]]))
    return [slice(start, stop) for start, stop in pairwise(edges)]

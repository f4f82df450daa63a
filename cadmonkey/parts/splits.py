"""Which split a part belongs to, decided by the part alone."""

from collections.abc import Collection, Iterable, Iterator
from typing import Literal, get_args

from cadmonkey.cad.csg import (
    Circle,
    Cone,
    Cube,
    Cylinder,
    LinearExtrude,
    LinearPattern,
    Node,
    Polygon,
    Sphere,
    Square,
    children_of,
)

Split = Literal["train", "validation", "test", "held_out_family", "held_out_band"]
SPLITS: tuple[Split, ...] = get_args(Split)

HELD_OUT_FAMILIES: Collection[str] = frozenset({"gusset", "spool"})
"""Families that training never sees."""
HELD_OUT_BAND_MM = (91.0, 94.0)
"""A part with a size in this band is never trained on, whatever its unit: it tells copying from remembering."""

OUTSIDE_BAND: Collection[str] = frozenset(
    {"shaft", "bushing", "nut", "revolution", "knob", "handle", "torus", "pulley"}
)
"""Families of which at most one part in 300 is in the band: too small, or built of other sizes than are stated."""


def split_of(part: str, family: str, sizes_mm: Iterable[float]) -> Split:
    """The split of a part, by its family, its sizes (`sizes_of`) and its hash (`cadmonkey.parts.part_hash`).

    Of the parts that are not held out 90 % are for training, 5 % for validation and 5 % for the test.
    """
    if family in HELD_OUT_FAMILIES:
        return "held_out_family"
    if in_band(sizes_mm):
        return "held_out_band"
    percent = int(part[:8], 16) % 100
    return "train" if percent < 90 else "validation" if percent < 95 else "test"


def in_band(sizes_mm: Iterable[float]) -> bool:
    """Whether one of the sizes lies in HELD_OUT_BAND_MM."""
    low, high = HELD_OUT_BAND_MM
    return any(low <= round(float(size), 6) < high for size in sizes_mm)


def sizes_of(node: Node) -> Iterator[float]:
    """The sizes, in mm, of the solids and flat shapes that a tree is built of: edges, heights, diameters, spacings.

    They are the same however the part was put in words: a ball of radius 46 is one of diameter 92.
    """
    match node:
        case Cube() | Square():
            yield from node.size
        case Cylinder():
            yield from (2 * node.r, node.h)
        case Cone():
            yield from (2 * node.r1, 2 * node.r2, node.h)
        case Sphere() | Circle():
            yield 2 * node.r
        case LinearExtrude():
            yield node.height
        case LinearPattern():
            yield node.spacing
        case Polygon():
            for coordinates in zip(*node.points, strict=True):
                yield max(coordinates) - min(coordinates)
    for child in children_of(node):
        yield from sizes_of(child)

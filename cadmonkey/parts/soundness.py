"""Whether a part is sound: one body, nothing in its tree idle, and nothing broken that should be whole.

Measured on coarse solids: circles of 24 sides tell the same, because the families leave far more room around a hole
than those cut off it.
"""

from dataclasses import replace
from itertools import combinations

import numpy as np
from manifold3d import Manifold

from cadmonkey.cad import csg
from cadmonkey.cad.prism import Shape, as_solid, finished, shared, subtracted, united
from cadmonkey.cad.program import Facets, Program
from cadmonkey.cad.solid import shape

COARSE = Facets(fn=24)
OVERSHOOT_MM = 1.0
"""How far a cutter goes beyond a face that it is meant to open."""
_SPECK_MM3 = 1e-6
_BOX_TRIANGLES = 12
_SAME = 1e-6
"""Coordinates (mm) and shares of a volume that differ by less are the same."""


def is_sound(program: Program, holes: int, *, trims: bool = False, apart: bool = False) -> bool:
    """Whether there is a `sound_solid`."""
    return sound_solid(program, holes, trims=trims, apart=apart) is not None


def sound_solid(program: Program, holes: int, *, trims: bool = False, apart: bool = False) -> Manifold | None:
    """Return the solid, with COARSE curves, of a part that is one body in whose tree nothing is idle; None of another.

    The genus of the surface tells of holes that meet, break an edge or miss the part; the volume of cuts and additions
    that do nothing; the box of a cut that takes an end off.

    Args:
        program: the part.
        holes: its genus, that of a closed cavity's wall included.
        trims: a cut is meant to take an end off; otherwise cuts leave the box of a part without holes as it is.
        apart: the cuts are features of their own: none touches another, and each opens only the faces that it passes
            by OVERSHOOT_MM, so that a blind hole cannot break out at a side.
    """
    program = replace(program, facets=COARSE)
    first, *rest = program.root.children if isinstance(program.root, csg.Difference) else (program.root,)
    base = _joined(program, first)
    if base is None:
        return None
    cuts = [shape(replace(program, root=cut)) for cut in rest]
    whole = finished(subtracted(base, cuts) if cuts else base)
    shells = [] if whole.is_empty() else whole.decompose()
    # The wall of a closed cavity is a shell with a negative volume.
    if sum(shell.volume() > 0 for shell in shells) != 1 or sum(shell.genus() for shell in shells) != holes:
        return None
    # One cutter makes one through hole at the most: where there are as many, every one does, and clean ones.
    clean = not cuts or holes == sum(map(csg.copies_in, rest))
    kept = trims or (holes > 0 and not apart) or _same_box(whole, base)
    return whole if clean or (kept and _cuts_as_meant(base, whole, cuts, apart)) else None


def _cuts_as_meant(base: Shape, whole: Manifold, cuts: list[Shape], apart: bool) -> bool:
    removed = [shared([base, cut]) for cut in cuts]
    if any(piece.volume() <= _SPECK_MM3 for piece in removed):
        return False
    return not apart or (_apart(base, whole, removed) and all(map(_opens_as_meant, cuts, removed)))


def _joined(program: Program, node: csg.Node) -> Shape | None:
    """The solid of what is added together; None where one of several pieces adds nothing."""
    if not isinstance(node, csg.Union):
        return shape(replace(program, root=node))
    pieces = [shape(replace(program, root=child)) for child in node.children]
    boxes = np.asarray([piece.bounding_box() for piece in pieces])
    for index, piece in enumerate(pieces):
        others = np.delete(boxes, index, axis=0)
        if not _reaches_out(boxes[index], others) and not _sticks_out(piece, others):
            covered = shared([united([*pieces[:index], *pieces[index + 1 :]]), piece])
            if piece.volume() - covered.volume() <= _SPECK_MM3:
                return None
    return united(pieces)


def _reaches_out(box: np.ndarray, boxes: np.ndarray) -> bool:
    """Whether a box reaches beyond all others on one of its sides: then what is in it adds something."""
    beyond = (box[:3] < boxes[:, :3] - _SAME).all(axis=0) | (box[3:] > boxes[:, 3:] + _SAME).all(axis=0)
    return bool(beyond.any())


def _sticks_out(piece: Shape, boxes: np.ndarray) -> bool:
    """Whether the middle of one of its triangles lies outside all boxes: then it adds something to what they hold."""
    mesh = as_solid(piece).to_mesh64()
    points = np.asarray(mesh.vert_properties)[:, :3][np.asarray(mesh.tri_verts)].mean(axis=1)[:, None]
    outside = (points < boxes[:, :3] - _SAME) | (points > boxes[:, 3:] + _SAME)
    return bool(outside.any(axis=2).all(axis=1).any())


def _same_box(one: Shape, other: Shape) -> bool:
    return bool(np.abs(np.subtract(one.bounding_box(), other.bounding_box())).max() < _SAME)


def _boxes_meet(piece: Shape, other: Shape) -> bool:
    """Whether the boxes of two pieces share a volume: where they do not, the pieces share none."""
    one, two = np.asarray(piece.bounding_box()), np.asarray(other.bounding_box())
    return bool((np.minimum(one[3:], two[3:]) - np.maximum(one[:3], two[:3]) > _SAME).all())


def _apart(base: Shape, whole: Manifold, removed: list[Shape]) -> bool:
    """Whether no two cuts remove the same material, but for the overshoot of one that ends in the other."""
    together = float(base.volume() - whole.volume())
    if abs(sum(piece.volume() for piece in removed) - together) <= _SAME * together:
        return True
    common = (shared(pair) for pair in combinations(removed, 2) if _boxes_meet(*pair))
    return all(piece.volume() <= _SPECK_MM3 or _is_overshoot(piece) for piece in common)


def _is_overshoot(piece: Shape) -> bool:
    box = np.asarray(piece.bounding_box())
    return bool((np.abs(box[3:] - box[:3] - OVERSHOOT_MM) < _SAME).any())


def _opens_as_meant(cut: Shape, removed: Shape) -> bool:
    """Whether a cutter ends within the material, or OVERSHOOT_MM outside it, on each of the six sides of its box.

    It does the latter on one side at least. Only a box or a wedge opens sides across different axes: a round cutter
    that does has broken out.
    """
    beyond = np.abs(np.asarray(cut.bounding_box()) - np.asarray(removed.bounding_box()))
    opened = (beyond > _SAME).reshape(2, 3).any(axis=0).sum()
    meant = (beyond < _SAME) | (np.abs(beyond - OVERSHOOT_MM) < _SAME)
    return bool(meant.all()) and opened > 0 and (opened == 1 or as_solid(cut).num_tri() <= _BOX_TRIANGLES)

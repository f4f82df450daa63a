"""Ribs: thin plates of material between two opposite flat faces, beyond both of which the part goes on."""

import numpy as np

from cadmonkey.cad.facets import Floats
from cadmonkey.cad.surfaces import Surfaces

WITHIN_MM = 0.01
SLENDER = 0.5
"""A rib is thinner than this share of the square root of its side's area."""
SAME_AREA = 0.05
MAX_PLANES = 1_000


def ribs_of(surfaces: Surfaces) -> list[float]:
    """Return the thickness of each rib, in mm; none of a part with more than MAX_PLANES flat faces."""
    planes = [plane for plane in surfaces.planes if plane.area > WITHIN_MM]
    if not 1 < len(planes) <= MAX_PLANES:
        return []
    normals = np.array([plane.normal for plane in planes])
    offsets, areas = (np.array([getattr(plane, name) for plane in planes]) for name in ("offset", "area"))
    middles = np.array([_middle(surfaces, plane.face) for plane in planes])
    thickness = offsets[:, None] + offsets[None]
    across = np.linalg.norm(np.cross(middles[:, None] - middles[None], normals[:, None]), axis=2)
    pairs = normals @ normals.T < -1 + 1e-9
    pairs &= (thickness > WITHIN_MM) & (thickness < SLENDER * np.sqrt(areas)[:, None])
    pairs &= np.abs(areas[:, None] - areas) < SAME_AREA * areas[:, None]
    pairs &= across < SAME_AREA * np.sqrt(areas)[:, None]
    found = []
    for i in np.flatnonzero(pairs.any(axis=1)):
        j = np.flatnonzero(pairs[i])[thickness[i][pairs[i]].argmin()]
        reach = surfaces.facets.points @ normals[i]
        if i < j and reach.max() > offsets[i] + WITHIN_MM and reach.min() < -offsets[j] - WITHIN_MM:
            found.append(float(thickness[i, j]))
    return found


def _middle(surfaces: Surfaces, face: int) -> Floats:
    """The middle of the box around a face."""
    corners = surfaces.facets.corners_of(np.array([face]))
    return np.asarray((corners.min(axis=0) + corners.max(axis=0)) / 2)

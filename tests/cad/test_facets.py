"""Facets and shells of solids agree with what the kernel says of the whole."""

import numpy as np
import pytest

from cadmonkey.cad.facets import components, facets_of, shell_sizes
from cadmonkey.cad.openscad import parse_openscad
from cadmonkey.cad.solid import solid


def test_components_are_numbered_from_zero_whatever_the_order_of_their_links() -> None:
    ring = np.array([[i, (i + 1) % 500] for i in np.random.default_rng(0).permutation(500)])
    links = np.concatenate([ring, [[501, 503]]])
    label = components(504, links)
    assert set(label[:500]) == {label[0]}
    assert label[501] == label[503]
    assert sorted(set(label)) == [0, 1, 2, 3]


def test_shells_have_the_volumes_and_areas_of_the_decomposed_solid() -> None:
    code = """$fn = 24; difference() { translate([900, 900, 0]) cube(20); translate([905, 905, 5]) sphere(d = 6); }
    translate([0, 0, 50]) cylinder(d = 9, h = 4);"""
    part = solid(parse_openscad(code))
    volumes, areas = shell_sizes(part)
    shells = part.decompose()
    assert sorted(volumes) == pytest.approx(sorted(s.volume() for s in shells))
    assert sorted(areas) == pytest.approx(sorted(s.surface_area() for s in shells))
    assert volumes.min() < 0


def test_faces_are_flat_and_cover_the_solid() -> None:
    part = solid(
        parse_openscad("$fn = 16; difference() { cube([40, 30, 5]); translate([9, 9, -1]) cylinder(d = 6, h = 9); }")
    )
    facets = facets_of(part)
    assert len(facets) == 6 + 16
    assert facets.areas.sum() == pytest.approx(part.surface_area())
    assert len(facets.bends) == 16
    for face in range(len(facets)):
        corners = facets.corners_of(np.array([face]))
        assert corners @ facets.normals[face] == pytest.approx(np.full(len(corners), facets.offsets[face]))

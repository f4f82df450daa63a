import io

import numpy as np
import pytest
from manifold3d import Manifold
from PIL import Image

from cadmonkey.cad import raster
from cadmonkey.cad.picture import render
from cadmonkey.cad.raster import rasterise

PLATE = Manifold.cube((60.0, 40.0, 5.0))
HOLE = Manifold.cylinder(20.0, 8.0, 8.0, 96).translate((30.0, 20.0, -5.0))


def pixels(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture.convert("RGB")).astype(int)


def triangles(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.uniform(-10, 60, (count, 3, 2)), rng.uniform(0, 10, (count, 3))


def test_the_picture_has_the_size_that_was_asked_for_and_the_part_fills_it_without_touching_the_border():
    picture = pixels(render(PLATE, (320, 200)))
    rows, columns = np.nonzero((255 - picture).max(axis=2) > 60)
    assert picture.shape == (200, 320, 3)
    assert 0 < columns.min() < 40
    assert 280 < columns.max() < 319
    assert rows.min() > 0
    assert rows.max() < 199


def test_a_hole_shows_where_it_is():
    with_hole, without = pixels(render(PLATE - HOLE)), pixels(render(PLATE))
    rows, columns = np.nonzero(np.abs(with_hole - without).max(axis=2) > 40)
    assert abs(columns.mean() - 320) < 20
    assert len(rows) > 1000


def test_turning_the_light_side_away_makes_a_face_darker():
    picture = pixels(render(Manifold.cube((20.0, 20.0, 20.0))))
    top, front, right = picture[150, 300].sum(), picture[300, 230].sum(), picture[300, 390].sum()
    assert top > front > right


def test_sharp_edges_are_lined_and_the_facets_of_a_cylinder_are_not():
    prism = Manifold.cylinder(40.0, 15.0, 15.0, 6)
    cylinder = Manifold.cylinder(40.0, 15.0, 15.0, 96)
    dark = [int((pixels(render(part))[260].max(axis=1) < 110).sum()) for part in (prism, cylinder)]
    assert dark[0] >= dark[1] + 2
    assert dark[1] <= 6


def test_a_hidden_edge_is_not_drawn():
    box = Manifold.cube((40.0, 40.0, 40.0))
    behind = box + Manifold.cube((4.0, 4.0, 4.0)).translate((2.0, 38.0, 2.0))
    assert np.abs(pixels(render(box)) - pixels(render(behind)))[200:400, 150:300].max() < 12


def test_an_empty_solid_is_a_white_picture():
    assert (pixels(render(Manifold())) == 255).all()


def test_a_second_solid_is_blue():
    picture = pixels(render(PLATE, second=PLATE.translate((0.0, 0.0, 20.0))))
    red, blue = picture[..., 0], picture[..., 2]
    assert (blue > red + 60).sum() > 5000
    assert (red > blue + 60).sum() > 1000


def test_the_same_solid_gives_the_same_bytes():
    files = []
    for _ in range(2):
        file = io.BytesIO()
        render(PLATE - HOLE).save(file, format="PNG")
        files.append(file.getvalue())
    assert files[0] == files[1]


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e5])
def test_the_scale_of_the_part_does_not_change_the_picture(scale):
    wanted, got = pixels(render(PLATE - HOLE)), pixels(render((PLATE - HOLE).scale((scale,) * 3)))
    assert np.abs(wanted - got).mean() < 0.5


def test_the_rasteriser_agrees_with_a_test_of_every_pixel_against_every_triangle():
    corners, depth = triangles(40)
    frame = rasterise(corners, depth, 50, 40)
    nearest, seen = np.full((40, 50), -np.inf), np.full((40, 50), -1)
    for index in range(len(corners)):
        matrix = np.vstack([corners[index].T, np.ones(3)])
        for row in range(40):
            for column in range(50):
                weights = np.linalg.solve(matrix, [column + 0.5, row + 0.5, 1])
                z = weights @ depth[index]
                if weights.min() >= 0 and z > nearest[row, column]:
                    nearest[row, column], seen[row, column] = z, index
    assert (frame.triangle == seen).all()
    assert np.allclose(frame.depth[seen >= 0], nearest[seen >= 0])


def test_two_triangles_that_share_an_edge_share_no_pixel_and_leave_no_gap():
    square = np.array([[3.2, 4.1], [40.7, 6.3], [36.4, 31.9], [5.5, 28.2]])
    halves = [
        rasterise(square[None, list(corner)], np.zeros((1, 3)), 50, 40).covered for corner in ((0, 1, 2), (0, 2, 3))
    ]
    other = [
        rasterise(square[None, list(corner)], np.zeros((1, 3)), 50, 40).covered for corner in ((0, 1, 3), (1, 2, 3))
    ]
    assert not (halves[0] & halves[1]).any()
    assert ((halves[0] | halves[1]) == (other[0] | other[1])).all()


def test_drawing_in_small_batches_gives_the_same_frame(monkeypatch):
    corners, depth = triangles(300, seed=1)
    wanted = rasterise(corners, depth, 50, 40)
    monkeypatch.setattr(raster, "FRAGMENTS_AT_ONCE", 500)
    got = rasterise(corners, depth, 50, 40)
    assert (wanted.triangle == got.triangle).all()
    assert (wanted.depth == got.depth).all()

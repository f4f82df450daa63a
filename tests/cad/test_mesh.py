import pytest
from manifold3d import Manifold, OpType

from cadmonkey.cad.ir import parse_ir
from cadmonkey.cad.mesh import same_mesh, unshared_mm3, write_stl
from cadmonkey.cad.openscad import parse_openscad
from cadmonkey.cad.solid import solid
from cadmonkey.errors import InputError

TUBE = Manifold.cylinder(30.0, 10.0, 10.0, 96) - Manifold.cylinder(40.0, 7.0, 7.0, 96).translate((0.0, 0.0, -1.0))


def test_another_library_reads_the_same_closed_solid(tmp_path):
    trimesh = pytest.importorskip("trimesh")
    write_stl(TUBE, tmp_path / "tube.stl")
    mesh = trimesh.load(tmp_path / "tube.stl")
    assert mesh.is_watertight
    assert mesh.volume == pytest.approx(TUBE.volume(), rel=1e-6)
    assert mesh.bounds.ravel() == pytest.approx(TUBE.bounding_box(), abs=1e-5)


def test_a_file_is_50_bytes_a_triangle_and_says_millimetres(tmp_path):
    write_stl(TUBE, tmp_path / "tube.stl")
    data = (tmp_path / "tube.stl").read_bytes()
    assert len(data) == 84 + 50 * TUBE.num_tri()
    assert b"millimetres" in data[:80]


def test_a_folder_that_cannot_be_made_is_bad_input(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        write_stl(TUBE, tmp_path / "file" / "tube.stl")


def test_a_solid_built_in_another_way_has_the_same_mesh_and_a_moved_one_has_not():
    inner = Manifold.cylinder(40.0, 7.0, 7.0, 96).translate((0.0, 0.0, -1.0))
    again = Manifold.batch_boolean([Manifold.cylinder(30.0, 10.0, 10.0, 96), inner], OpType.Subtract)
    assert same_mesh(TUBE, again)
    assert same_mesh(Manifold.sphere(4.0, 32), Manifold.sphere(4.0, 32).rotate((0.0, 0.0, 90.0)))
    assert not same_mesh(TUBE, TUBE.translate((0.0, 0.0, 1e-3)))
    assert not same_mesh(TUBE, Manifold.cylinder(30.0, 10.0, 10.0, 96))


def test_what_only_one_of_two_solids_has_is_nothing_where_they_are_the_same_and_counted_on_both_sides():
    block = Manifold.cube((10.0, 10.0, 10.0))
    halves = Manifold.cube((5.0, 10.0, 10.0)) + Manifold.cube((5.0, 10.0, 10.0)).translate((5.0, 0.0, 0.0))
    assert unshared_mm3(TUBE, TUBE) == unshared_mm3(block, Manifold.cube((10.0, 10.0, 10.0))) == 0
    assert unshared_mm3(block, halves) == pytest.approx(0, abs=1e-9)
    assert unshared_mm3(block, block.translate((1.0, 0.0, 0.0))) == pytest.approx(200)
    assert unshared_mm3(block, Manifold.cube((10.0, 10.0, 9.0))) == pytest.approx(100)
    assert unshared_mm3(Manifold.cube((10.0, 10.0, 9.0)), block) == pytest.approx(100)


def test_nothing_is_unshared_by_faces_that_lie_within_rounding_of_each_other():
    one = solid(
        parse_openscad(
            """$fn = 96;
difference() {
  union() {
    cylinder(d = 91, h = 57.5);
    translate([45.5, 0, 28.75]) rotate([90, 0, 0]) rotate_extrude() translate([11.6, 0]) circle(d = 7);
  }
  translate([0, 0, 5]) cylinder(d = 83, h = 57.5);
}
"""
        )
    )
    other = solid(
        parse_ir(
            "Y 45.5 57.5\nSK 0 0 0 1 0 0 0 0 1\nA 15.1 0 8.1 0 11.6 0 1\nA 8.1 0 15.1 0 11.6 0 1\nEND\n"
            "V 1 0 0 0 0 0 1 360\nR 2 90 0 0\nT 3 45.5 0 28.75\nU 0 4\nY 41.5 57.5\nT 6 0 0 5\nD 5 7\n"
        )
    )
    assert unshared_mm3(one, other) < 1e-5

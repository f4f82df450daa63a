"""Every tree reads back equal in every notation that can say it, and is the same solid in both."""

import pytest
from hypothesis import given, settings

from cadmonkey.cad import csg
from cadmonkey.cad.ir import NotationError, parse_ir, print_ir
from cadmonkey.cad.openscad import parse_openscad, print_openscad
from cadmonkey.cad.program import Facets, Program
from cadmonkey.cad.solid import SolidError, solid
from tests.cad.shapes import common_trees, every_tree

COARSE = Facets(fn=12)


@given(every_tree)
@settings(max_examples=200, deadline=None)
def test_any_tree_reads_back_equal_from_openscad(tree: csg.Node) -> None:
    text = print_openscad(tree)
    assert parse_openscad(text).root == tree
    assert print_openscad(parse_openscad(text).root) == text


@given(common_trees)
@settings(max_examples=200, deadline=None)
def test_any_common_tree_reads_back_equal_from_both_notations(tree: csg.Node) -> None:
    program = Program(tree, (), COARSE)
    text = print_ir(program)
    assert parse_ir(text) == program
    assert print_ir(parse_ir(text)) == text
    assert parse_openscad(print_openscad(parse_ir(text))) == program


@given(every_tree)
@settings(max_examples=80, deadline=None)
def test_both_notations_give_the_same_solid(tree: csg.Node) -> None:
    program = Program(tree, (), COARSE)
    try:
        written = print_ir(program)
    except NotationError:
        return
    try:
        ours = solid(program)
    except SolidError:
        return
    assert_same(ours, solid(parse_ir(written)), written)


@given(common_trees)
@settings(max_examples=40, deadline=None)
def test_the_solid_survives_a_journey_through_both_notations(tree: csg.Node) -> None:
    program = Program(tree, (), COARSE)
    travelled = parse_openscad(print_openscad(parse_ir(print_ir(program))))
    assert_same(solid(program), solid(travelled), print_openscad(program))


def assert_same(ours: object, theirs: object, text: str) -> None:
    """Equal by exact booleans: nothing is in one and not in the other."""
    scale = ours.volume() + ours.surface_area() + 1
    differing = (ours - theirs).volume() + (theirs - ours).volume()
    assert differing == pytest.approx(0, abs=1e-6 * scale), text
    assert ours.volume() == pytest.approx(theirs.volume(), abs=1e-6 * scale), text

"""Random trees: every node of the language, of sizes that stay solid."""

from hypothesis import strategies as st

from cadmonkey.cad import csg

sizes = st.floats(0.5, 40).map(lambda value: round(value, 2))
offsets = st.floats(-30, 30).map(lambda value: round(value, 2))
angles = st.integers(-180, 180).map(float)
counts = st.integers(1, 4).map(float)
fineness = st.none() | st.integers(3, 24)
vectors = st.tuples(offsets, offsets, offsets)
axes = st.sampled_from([(1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)])
directions = axes | st.sampled_from([(0.0, -1.0, 0.0), (0.6, 0.8, 0.0), (1.0, 1.0, 0.0), (1.0, -2.0, 3.5)])
slanted = st.sampled_from([(1.0, 1.0, 0.0), (1.0, -2.0, 3.0), (0.0, 0.5, -0.5)])
origins = st.just(csg.ORIGIN) | vectors
factors = st.tuples(*[st.sampled_from([0.5, 1.0, 1.5, -2.0])] * 3).filter(lambda f: csg.reflection(f) is None)
matrices = st.sampled_from(
    [
        ((1.0, 0.0, 0.0, 4.0), (0.0, 0.0, -1.0, 5.0), (0.0, 1.0, 0.0, 6.0)),
        ((1.0, 0.5, 0.0, 0.0), (0.0, 1.0, 0.25, -3.0), (0.0, 0.0, 2.0, 1.0)),
        ((-1.0, 0.0, 0.0, 0.0), (0.0, 2.0, 0.0, 0.0), (0.3, 0.0, 1.0, 0.0)),
    ]
)


def several(children: st.SearchStrategy[csg.Node], most: int = 3) -> st.SearchStrategy[tuple[csg.Node, ...]]:
    return st.lists(children, min_size=2, max_size=most).map(tuple)


def moved(children: st.SearchStrategy[csg.Node]) -> st.SearchStrategy[csg.Node]:
    """What both notations say alike."""
    return (
        st.builds(csg.Translate, vectors, children)
        | st.builds(csg.Rotate, st.tuples(angles, angles, angles), children)
        | st.builds(csg.Scale, factors, children)
        | st.builds(csg.Mirror, axes, children)
        | st.builds(csg.LinearPattern, directions, counts, sizes, children)
        | st.builds(csg.CircularPattern, counts, angles, children, directions, origins)
        | st.builds(csg.Union, several(children))
        | st.builds(csg.Difference, several(children))
        | st.builds(csg.Intersection, several(children))
    )


def starred(radii: list[float]) -> tuple[csg.Point, ...]:
    """A simple polygon around the origin."""
    from cadmonkey.cad import affine

    turns = [360 * i / len(radii) for i in range(len(radii))]
    return tuple(
        (round(r * affine.cosine(t), 3), round(r * affine.sine(t), 3)) for r, t in zip(radii, turns, strict=True)
    )


stars = st.lists(st.floats(2, 20), min_size=3, max_size=7).map(starred)
polygons = st.builds(csg.Polygon, stars) | stars.map(
    lambda points: csg.Polygon(
        points + tuple((x / 2, y / 2) for x, y in points),
        (tuple(range(len(points))), tuple(range(len(points), 2 * len(points)))),
    )
)
revolvable = st.lists(st.floats(2, 20), min_size=3, max_size=7).map(
    lambda radii: csg.Polygon(tuple((x + 21, y) for x, y in starred(radii)))
)
extrusions = st.builds(csg.LinearExtrude, sizes, polygons) | st.builds(
    csg.RotateExtrude, revolvable, st.sampled_from([360.0, 90.0, 200.0, -45.0])
)
common = (
    st.builds(csg.Cube, st.tuples(sizes, sizes, sizes))
    | st.builds(csg.Cylinder, sizes, sizes)
    | st.tuples(sizes, sizes, sizes).filter(lambda t: t[0] != t[1]).map(lambda t: csg.Cone(*t))
    | st.builds(csg.Sphere, sizes)
    | extrusions
)
common_trees = st.recursive(common, moved, max_leaves=6)
"""Trees that both notations say in the same words."""

flat_leaves = st.builds(csg.Square, st.tuples(sizes, sizes)) | st.builds(csg.Circle, sizes, fineness) | polygons


def flat_moved(children: st.SearchStrategy[csg.Node]) -> st.SearchStrategy[csg.Node]:
    return (
        st.builds(csg.Translate, st.tuples(offsets, offsets, st.just(0.0)), children)
        | st.builds(csg.Rotate, st.tuples(st.just(0.0), st.just(0.0), angles), children)
        | st.builds(csg.Scale, st.tuples(sizes, sizes, st.just(1.0)), children)
        | st.builds(csg.Mirror, st.sampled_from([(1.0, 0.0, 0.0), (1.0, 2.0, 0.0)]), children)
        | st.builds(csg.LinearPattern, axes.filter(lambda a: a[2] == 0), counts, sizes, children)
        | st.builds(csg.Offset, st.floats(-1, 3).map(lambda v: round(v, 2)), children, st.just("round"), fineness)
        | st.builds(csg.Offset, sizes, children, st.sampled_from(["sharp", "chamfer"]))
        | st.builds(csg.Union, several(children))
        | st.builds(csg.Difference, several(children))
        | st.builds(csg.Intersection, several(children))
        | st.builds(csg.Hull, several(children))
    )


flat_trees = st.recursive(flat_leaves, flat_moved, max_leaves=4)
tetrahedra = sizes.map(
    lambda a: csg.Polyhedron(
        ((0.0, 0.0, 0.0), (a, 0.0, 0.0), (0.0, a, 0.0), (0.0, 0.0, a)), ((0, 1, 2), (0, 3, 1), (0, 2, 3), (1, 3, 2))
    )
)
every_leaf = (
    common
    | tetrahedra
    | st.builds(csg.Cylinder, sizes, sizes, fineness)
    | st.builds(csg.Sphere, sizes, fineness)
    | st.builds(csg.LinearExtrude, sizes, flat_trees)
    | st.builds(
        csg.LinearExtrude,
        sizes,
        flat_leaves,
        angles,
        st.integers(1, 20),
        st.tuples(sizes, sizes).map(lambda s: (1.0, s[0] / 40)),
    )
    | st.builds(csg.RotateExtrude, revolvable, st.just(360.0), fineness)
)


def every_move(children: st.SearchStrategy[csg.Node]) -> st.SearchStrategy[csg.Node]:
    return (
        moved(children)
        | st.builds(csg.Turn, angles, slanted, children)
        | st.builds(csg.Mirror, slanted, children)
        | st.builds(csg.Transform, matrices, children)
        | st.builds(csg.Hull, several(children))
    )


every_tree = st.recursive(every_leaf, every_move, max_leaves=6)
"""Trees of everything that OpenSCAD can say."""

"""Gauges of what comes several times: rows and rings of holes, slots and bosses beside each other, spokes, notches."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TypeVar

import numpy as np

from cadmonkey.cad.facets import Floats, off_line
from cadmonkey.cad.gauges import Gauge, rectangles, slots
from cadmonkey.cad.measure import SAME_PLACE_MM, Measured
from cadmonkey.cad.recesses import Recess
from cadmonkey.cad.surfaces import Cylinder

_Recesses = Callable[[Measured], list[Recess]]
_Thing = TypeVar("_Thing")


def row_holes(axis: int) -> Gauge:
    """The number of holes in each row along an axis."""
    return lambda part: [len(row) for row in _rows(part, axis)]


def row_pitches(axis: int) -> Gauge:
    """From hole to hole in each row along an axis."""
    return lambda part: [row[1] - row[0] for row in _rows(part, axis)]


def ring_holes(part: Measured) -> list[float]:
    """The number of equal holes on each circle about the middle of the part."""
    away = [(hole.diameter, float(off_line(part.centre, hole.point, hole.axis))) for hole in part.hole_axes]
    return [len(ring) for ring in _alike(away, lambda hole: hole)]


def middle_from(recesses: _Recesses, axis: int, high: bool) -> Gauge:
    """From a side of the box to the middles of recesses in faces along it."""

    def measured(part: Measured) -> list[float]:
        places = [r.outline.centre[axis] for r in recesses(part) if abs(r.normal[axis]) < SAME_PLACE_MM]
        return [float(part.high[axis] - place if high else place - part.low[axis]) for place in places]

    return measured


def circle(recesses: _Recesses) -> Gauge:
    """The circle about the middle of the part through the middle of each recess."""
    return lambda part: [2 * _off_centre(part, recess) for recess in recesses(part)]


def pitch(recesses: _Recesses, axis: int) -> Gauge:
    """From the middle of each recess to the next along an axis."""
    return lambda part: [after - before for before, after in pairwise(_places(recesses(part), axis))]


def place_counts(recesses: _Recesses, axis: int) -> Gauge:
    """The number of places of recesses along an axis."""
    return lambda part: [len(_places(recesses(part), axis))]


def slot_starts(part: Measured) -> list[float]:
    """From the middle of the part to the near end of each slot or window that points to it."""
    return [
        _off_centre(part, recess) - max(recess.outline.sides_mm) / 2
        for recess in (*slots(part), *rectangles(through=True)(part))
    ]


def _off_centre(part: Measured, recess: Recess) -> float:
    return float(off_line(part.centre, recess.outline.centre, recess.normal))


def _places(recesses: Sequence[Recess], axis: int) -> list[float]:
    """The distinct coordinates of middles."""
    found: list[float] = []
    for place in sorted(float(recess.outline.centre[axis]) for recess in recesses):
        if not found or place - found[-1] > SAME_PLACE_MM:
            found.append(place)
    return found


def _rows(part: Measured, axis: int) -> list[list[float]]:
    """The places of equal, equally spaced holes on each line along an axis."""
    across = [hole for hole in part.hole_axes if abs(hole.axis[axis]) < SAME_PLACE_MM]

    def line(hole: Cylinder) -> tuple[float, ...]:
        return (hole.diameter, *np.abs(hole.axis), *np.delete(hole.point, axis))

    lines = [sorted(float(hole.point[axis]) for hole in holes) for holes in _alike(across, line)]
    return [row for places in lines for row in _even_runs(places)]


def _even_runs(places: list[float]) -> list[list[float]]:
    """The longest runs of equally spaced numbers, two at the least."""
    runs: list[list[float]] = []
    for before, after in pairwise(places):
        if runs and runs[-1][-1] == before and abs(after - before - (runs[-1][1] - runs[-1][0])) < SAME_PLACE_MM:
            runs[-1].append(after)
        else:
            runs.append([before, after])
    return runs


def _alike(things: Sequence[_Thing], key: Callable[[_Thing], tuple[float, ...]]) -> list[list[_Thing]]:
    """The things in groups of nearly equal keys."""
    groups: list[tuple[Floats, list[_Thing]]] = []
    for thing in things:
        numbers = np.array(key(thing))
        for first, group in groups:
            if np.abs(numbers - first).max() < SAME_PLACE_MM:
                group.append(thing)
                break
        else:
            groups.append((numbers, [thing]))
    return [group for _, group in groups]

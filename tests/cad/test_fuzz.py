"""Mutated programs get a result or one of our own errors; benchmarks/fuzz.py runs the same for as long as you like."""

import random

import pytest

from tests.cad.executions import execute
from tests.cad.mutations import mutated, real_programs

RUNS = {"openscad": 120, "ir": 80}
FOUND = {
    "a face that names a point twice": (
        "openscad",
        "polyhedron([[0, 0, 0], [9, 0, 0], [0, 9, 0], [0, 0, 9]], [[0, 1, 2], [0, 1, 1], [0, 2, 3], [1, 3, 2]]);",
        "no solid",
    ),
    "copies that lie on each other": (
        "openscad",
        "$fn = 96; for (i = [0 : 3 - 786]) rotate([0, 0, i * 360 / 8]) translate([15, 0, 0]) cylinder(d = 4, h = 7);",
        "no solid",
    ),
    "scaling within scaling": (
        "openscad",
        "scale(1e6) scale(1e6) scale(1e6) scale(1e6) cube(1e6);",
        "no solid",
    ),
    "a cone from a vanishing base": ("ir", "K 5e-324 20 3", "judged"),
}


@pytest.fixture(scope="module")
def programs() -> dict[str, list[str]]:
    return real_programs(20, 40)


@pytest.mark.parametrize("language", RUNS)
@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_mutated_programs_are_refused_or_judged(programs: dict[str, list[str]], language: str) -> None:
    outcomes = set()
    for number in range(RUNS[language]):
        text = mutated(random.Random(f"{language}/{number}"), programs[language], language)
        outcomes.add(execute(text, language))
    assert outcomes >= {"refused", "judged"}


@pytest.mark.parametrize("name", FOUND)
def test_what_fuzzing_found_stays_mended(name: str) -> None:
    language, text, outcome = FOUND[name]
    assert execute(text, language) == outcome

"""One part: sizes, sentence, program, all from the same parameters and checked as a solid."""

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from manifold3d import Manifold

from cadmonkey.cad import csg
from cadmonkey.cad.openscad import print_openscad
from cadmonkey.cad.program import Facets, Parameter, Program
from cadmonkey.cad.quantity import Quantity
from cadmonkey.cad.solid import solid
from cadmonkey.parts.families import DEFAULTS_MM, FAMILIES, Draft
from cadmonkey.parts.measures import UNITS, Measure, NoRoomError, unit_parameters
from cadmonkey.parts.phrases import describe
from cadmonkey.parts.sentences import CLOSING, OPENING, Stated, Style
from cadmonkey.parts.splits import Split, split_of
from cadmonkey.parts.stated import stated_dimensions

FACETS = Facets(fn=96)
"""The fineness that every program of ours states."""
COARSE = Facets(fn=24)
"""The fineness at which parts are found to be sound: the families leave far more room than it cuts off a circle."""
MAX_DRAWS = 2_000


@dataclass(frozen=True, slots=True)
class Part:
    """A sentence and the program it asks for."""

    family: str
    variant: str
    prompt: str
    program: Program
    stated: list[dict[str, Any]]
    """The numbers in the sentence, as `cadmonkey.cad.dimensions` checks them."""
    split: Split
    solid: Manifold
    """The part itself, its curves with COARSE sides."""

    @property
    def code(self) -> str:
        """The program as OpenSCAD."""
        return print_openscad(self.program)

    @property
    def hash(self) -> str:
        """The part's identity, see `part_hash`."""
        return part_hash(self.program)


def sample_part(
    rng: random.Random, family: str | None = None, split: str | None = None, styles: Sequence[str] = ("plain",)
) -> Part:
    """Draw one part of `family` and of `split` (any, if None): one solid body, every cut in it a clean hole.

    The sentence is written in one of `styles` (`cadmonkey.parts.styles`).
    """
    name = family or rng.choice(list(FAMILIES))
    for _ in range(MAX_DRAWS):
        try:
            draft = FAMILIES[name](rng)
        except NoRoomError:
            continue
        program = _program(draft)
        found = split_of(part_hash(program), name, _sizes_mm(draft))
        if split in (None, found) and (made := sound_solid(program, draft.holes)) is not None:
            sentence, said = _sentence(rng, name, draft)
            stated = stated_dimensions(name, draft, said)
            return Part(name, draft.variant, sentence, program, stated, found, made)
    raise AssertionError(f"family {name}: no sound part in {MAX_DRAWS} draws")


def part_hash(program: Program) -> str:
    """The same for every wording and every unit of one geometry: of the tree in plain millimetres."""
    return hashlib.sha256(print_openscad(program.root).encode()).hexdigest()[:16]


def is_sound(program: Program, holes: int) -> bool:
    """Whether the part is one body with exactly this many through holes, and every cut removes material."""
    return sound_solid(program, holes) is not None


def sound_solid(program: Program, holes: int) -> Manifold | None:
    """The solid of a part that is sound, with COARSE curves; None of one that is not.

    The genus of the surface tells: it is lower where two holes meet, one breaks an edge, or one misses the part.
    """
    program = replace(program, facets=COARSE)
    whole = solid(program)
    if whole.is_empty() or whole.genus() != holes or len(whole.decompose()) != 1:
        return None
    if holes or not isinstance(program.root, csg.Difference):
        return whole
    base, *cuts = (solid(replace(program, root=child)) for child in program.root.children)
    removes = all((base ^ cut).volume() > 1e-6 for cut in cuts)
    return whole if removes and whole.bounding_box() == base.bounding_box() else None


def _program(draft: Draft) -> Program:
    measures = [stated for stated in draft.values.values() if isinstance(stated, Measure)]
    parameters = unit_parameters(measures)
    for name, stated in draft.values.items():
        parameters.append(Parameter(name, stated.value if isinstance(stated, Measure) else Quantity(stated)))
    return Program(draft.root, tuple(parameters), FACETS)


def _sentence(rng: random.Random, family: str, draft: Draft) -> tuple[str, set[str]]:
    """The sentence, and the names of the values that it states."""
    style = Style(rng)
    sentence = style.write(OPENING + describe(rng, draft.words) + CLOSING, draft.values)
    unsaid = draft.values.keys() - style.said
    defaults = DEFAULTS_MM.get(family, {})
    wrong = [name for name in unsaid if _mm(draft.values[name]) != defaults.get(name)]
    if wrong:
        raise AssertionError(f"{family}: the sentence {sentence!r} leaves out {', '.join(wrong)}")
    return sentence, style.said


def _sizes_mm(draft: Draft) -> list[float]:
    return [value.mm for value in draft.values.values() if isinstance(value, Measure) and value.unit in UNITS]


def _mm(stated: Stated) -> float:
    return stated.mm if isinstance(stated, Measure) else stated

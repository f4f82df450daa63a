"""One part: sizes, sentence, program, all from the same parameters and checked as a solid."""

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cadmonkey.cad.openscad import print_openscad
from cadmonkey.cad.program import Facets, Parameter, Program
from cadmonkey.cad.quantity import Quantity
from cadmonkey.parts.families import DEFAULTS_MM, FAMILIES, Draft
from cadmonkey.parts.measures import UNITS, Measure, NoRoomError, unit_parameters
from cadmonkey.parts.phrases import describe
from cadmonkey.parts.sentences import CLOSING, OPENING, Stated, Style
from cadmonkey.parts.soundness import is_sound
from cadmonkey.parts.splits import Split, split_of
from cadmonkey.parts.stated import stated_dimensions

FACETS = Facets(fn=96)
"""The fineness that every program of ours states."""
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
        if split in (None, found) and is_sound(program, draft.holes, apart=draft.apart):
            sentence, said = _sentence(rng, name, draft)
            stated = stated_dimensions(name, draft, said)
            return Part(name, draft.variant, sentence, program, stated, found)
    raise AssertionError(f"family {name}: no sound part in {MAX_DRAWS} draws")


def part_hash(program: Program) -> str:
    """The same for every wording and every unit of one geometry: of the tree in plain millimetres."""
    return hashlib.sha256(print_openscad(program.root).encode()).hexdigest()[:16]


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

"""One part: sizes, sentence, program, all from the same parameters and checked as a solid."""

import hashlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from manifold3d import Manifold

from cadmonkey.cad.ir import print_ir
from cadmonkey.cad.openscad import print_openscad
from cadmonkey.cad.program import Facets, NotationError, Parameter, Program
from cadmonkey.cad.quantity import Quantity
from cadmonkey.parts.families import DEFAULTS_MM, FAMILIES, Draft
from cadmonkey.parts.ledger import Ledger, ledger_of, number_of, said
from cadmonkey.parts.measures import UNITS, Measure, NoRoomError, unit_parameters
from cadmonkey.parts.noise import NO_NOISE
from cadmonkey.parts.sentences import sentence_of
from cadmonkey.parts.soundness import sound_solid
from cadmonkey.parts.splits import Split, in_band, sizes_of, split_of
from cadmonkey.parts.stated import stated_dimensions
from cadmonkey.parts.styles import write_sentence

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
    style: str
    """How the sentence is written, one of `cadmonkey.parts.styles.STYLES`."""
    noise: tuple[str, ...]
    """What was done to it afterwards, of `cadmonkey.parts.noise.NOISES`."""
    parameters: Mapping[str, float]
    """Every parameter, in mm, in degrees or as a count."""
    ledger: Ledger
    """Where the sentence states each parameter."""
    solid: Manifold
    """The part itself, its curves with COARSE sides."""
    hash: str
    """The part's identity, see `part_hash`."""

    @property
    def code(self) -> str:
        """The program as OpenSCAD."""
        return print_openscad(self.program)

    @property
    def code_ir(self) -> str | None:
        """The program as Compact IR; None where it has no words for it."""
        try:
            return print_ir(self.program)
        except NotationError:
            return None


def sample_part(
    rng: random.Random,
    family: str | None = None,
    split: str | None = None,
    styles: Sequence[str] = ("plain",),
    noises: Mapping[str, float] = NO_NOISE,
) -> Part:
    """Draw one part of `family` and of `split` (any, if None): one solid body, every cut in it a clean hole.

    The sentence is written in one of `styles` (`cadmonkey.parts.styles`), with each of `noises` in its share of the
    sentences (`cadmonkey.parts.noise`).
    """
    name = family or rng.choice(list(FAMILIES))
    for _ in range(MAX_DRAWS):
        try:
            draft = FAMILIES[name](rng)
        except NoRoomError:
            continue
        program = _program(draft)
        sizes = list(sizes_of(program.root))
        # Else a part could be held out in one wording (inner diameter 92) and trained on in another (outer 96, wall 2).
        if in_band(sizes) != in_band(_sizes_mm(draft)):
            continue
        identity = part_hash(program)
        found = split_of(identity, name, sizes)
        if split not in (None, found):
            continue
        made = sound_solid(program, draft.holes, trims=draft.trims, apart=draft.apart)
        if made is not None:
            return _part(rng, name, draft, program, identity, found, made, styles, noises)
    raise AssertionError(f"family {name}: no sound part in {MAX_DRAWS} draws")


def part_hash(program: Program) -> str:
    """The same for every wording and every unit of one geometry: of the tree in plain millimetres."""
    return hashlib.sha256(print_openscad(program.root).encode()).hexdigest()[:16]


def _part(
    rng: random.Random,
    family: str,
    draft: Draft,
    program: Program,
    identity: str,
    split: Split,
    solid: Manifold,
    styles: Sequence[str],
    noises: Mapping[str, float],
) -> Part:
    sentence = write_sentence(rng, draft.words, draft.values, DEFAULTS_MM.get(family, {}), styles, noises)
    ledger = ledger_of(sentence.pieces, draft.values)
    stated = stated_dimensions(draft, said(ledger))
    return Part(
        family=family,
        variant=draft.variant,
        prompt=sentence_of(sentence.pieces),
        program=program,
        stated=stated,
        split=split,
        style=sentence.style,
        noise=sentence.noise,
        parameters={name: number_of(value) for name, value in draft.values.items()},
        ledger=ledger,
        solid=solid,
        hash=identity,
    )


def _program(draft: Draft) -> Program:
    measures = [stated for stated in draft.values.values() if isinstance(stated, Measure)]
    parameters = unit_parameters(measures)
    for name, stated in draft.values.items():
        parameters.append(Parameter(name, stated.value if isinstance(stated, Measure) else Quantity(stated)))
    parameters += [Parameter(name, value) for name, value in draft.derived.items()]
    return Program(draft.root, tuple(parameters), FACETS)


def _sizes_mm(draft: Draft) -> list[float]:
    return [value.mm for value in draft.values.values() if isinstance(value, Measure) and value.unit in UNITS]

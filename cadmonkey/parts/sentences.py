"""Sentences from alternatives: a small grammar, number styles, and the words that state each value.

A template is text with `[one|of|these]`, nested as deep as needed, and `{name}` for a stated value:
`{length}` is the number with its unit, `{length#}` the bare number, `{a*b*c}` a product such as `50 x 30 x 5 mm`,
`{!hole_d}` the number with the sign of a diameter or radius where the name is one: `Ø5 mm`, `R12 mm`.
`{~diameter}` is the radius of that diameter (the diameter of a radius), said beside it. `@` is the article a or an.
"""

import random
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction

from cadmonkey.parts.measures import Measure, rescaled

Stated = Measure | int
_INNERMOST = re.compile(r"\[([^\[\]]*)\]")
_PLACE = re.compile(r"\{([^{}]+)\}")
_MARKED = re.compile("\ue000([^\ue001]*)\ue001([^\ue002]*)\ue002")
"""What a template's place has become: the names of its values, and the words for them."""
_AN = re.compile(r"@ (?=(?:\ue000[^\ue001]*\ue001)?(?:8|1[18]\b|[aeioAEIO]|u(?!n)|[Ll][- ]|OD|ID|M\d))")
COUNT_WORDS = (
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
)
_UNIT_WORDS = {
    "mm": ("mm", "mm", "mm", " mm", " mm", " mm", " mm", " millimeters", " millimetres"),
    "cm": ("cm", " cm", " cm", " centimeters", " centimetres"),
    "inch": (" in", " inch", " inches", '"', "in", "-inch"),
    "deg": ("°", "°", " degrees", " deg"),
}
_BRIEF_UNITS = {"mm": ("mm", "mm", " mm"), "cm": ("cm", " cm"), "inch": ('"', '"', " in", "in"), "deg": ("°", " deg")}
_SENTENCE_INCHES = (" in", " inch", " inches", '"')
_DIAMETER_SIGNS = ("Ø", "Ø", "ø", "d", "dia ", "D")
_RADIUS_SIGNS = ("R", "R", "r", "rad ")

OPENING = (
    "[||||make |make me |create |create me |design |design me |model |draw |generate |build |i need |i want |we need |"
    "give me |can you make |could you make |please make |please design |hey cadmonkey, create me |cad model of |"
    "i'd like |let's make |3d print |write openscad for |looking for ]"
)
CLOSING = "[|||||.|.|, please|, thanks| please]"


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of a sentence: prose, or the words that state the values of these parameters, in their order."""

    text: str
    names: tuple[str, ...] = ()


def sentence_of(pieces: Iterable[Piece]) -> str:
    """The sentence that the pieces make."""
    return "".join(piece.text for piece in pieces)


def round_kind(name: str) -> str:
    """`d` for a parameter that is a diameter, `r` for a radius; nothing for others."""
    match = re.search(r"(?:^|_)(d|diameter|r|radius)\d*$", name)
    return match[1][0] if match else ""


@dataclass(slots=True)
class Writer:
    """How one person writes: the words for units, the sign between the sizes, capitals."""

    rng: random.Random
    silent: str = ""
    """A unit that is left out: its numbers stand bare."""
    spelt: bool = False
    """Whether counts are words in every style."""
    unit_words: dict[str, str] = field(init=False)
    times: str = field(init=False)
    unit_each: bool = field(init=False)
    digits: bool | None = field(init=False, default=None)
    """Whether counts are digits or words; None: now this, now that."""
    signs: dict[str, str] = field(init=False, default_factory=lambda: {"d": "Ø", "r": "R"})
    """What stands before a diameter and a radius in `{!name}`."""

    def __post_init__(self) -> None:
        units = ("mm", "cm", "inch")
        self.unit_words = {unit: self.rng.choice(_UNIT_WORDS[unit]) for unit in units}
        self.times = self.rng.choice((" x ", " x ", " x ", "x", "x", " by ", " × ", "×", " X ", " * "))
        self.unit_each = self.rng.random() < 0.25

    def be_brief(self) -> None:
        """Write as on a drawing: short units, digits, `Ø` and `R`."""
        self.unit_words = {unit: self.rng.choice(words) for unit, words in _BRIEF_UNITS.items()}
        self.times = self.rng.choice(("x", "x", "x", " x ", "×", " × "))
        self.unit_each, self.digits = False, not self.spelt
        self.signs = {"d": self.rng.choice(_DIAMETER_SIGNS), "r": self.rng.choice(_RADIUS_SIGNS)}

    def be_wordy(self) -> None:
        """Write whole sentences: units that read well anywhere, and counts in words, apart from the sizes."""
        self.digits = False
        self.unit_words["inch"] = self.rng.choice(_SENTENCE_INCHES)

    def write(self, template: str, values: Mapping[str, Stated]) -> list[Piece]:
        """The pieces of one sentence from `template`."""
        text = _PLACE.sub(lambda match: self.marked(match[1], values), self.choose(template))
        text = re.sub(r"\s+([,.;])", r"\1", re.sub(r" {2,}", " ", text)).strip()
        text = _AN.sub("an ", text).replace("@ ", "a ")
        return self.capitals(_pieces(text))

    def choose(self, template: str) -> str:
        """`template` with one alternative of every bracket."""
        while (match := _INNERMOST.search(template)) is not None:
            template = template[: match.start()] + self.rng.choice(match[1].split("|")) + template[match.end() :]
        return template

    def marked(self, place: str, values: Mapping[str, Stated]) -> str:
        """The text for one place of a template, between marks that tell what it states."""
        names = place.strip("!#")
        return f"\ue000{names}\ue001{self.value(place, values)}\ue002"

    def value(self, place: str, values: Mapping[str, Stated]) -> str:
        """The text for one place of a template."""
        if "*" in place:
            return self.product([values[name] for name in place.split("*")])
        name = place.strip("!#~")
        stated = values[name]
        if isinstance(stated, int):
            return self.count(stated)
        if place.startswith("~"):
            return self.size(rescaled(stated, Fraction(1, 2) if round_kind(name) == "d" else Fraction(2)))
        if place.startswith("!"):
            return self.sign(name, stated) + self.size(stated)
        return stated.number if place.endswith("#") else self.size(stated)

    def sign(self, name: str, stated: Measure) -> str:
        """`Ø`, `R` or nothing; a letter does not stand before a number of two parts, as in `1 1/2`."""
        kind = round_kind(name)
        if stated.unit in ("screw", "standard") or not kind:
            return ""
        sign = self.signs[kind]
        return {"d": "Ø", "r": "R"}[kind] if " " in stated.number and sign.strip() == sign else sign

    def size(self, stated: Stated) -> str:
        """A number with its unit."""
        if isinstance(stated, int):
            return self.count(stated)
        if stated.unit in ("screw", "standard", self.silent):
            return stated.number
        return stated.number + self.unit_word(stated.unit)

    def unit_word(self, unit: str) -> str:
        """The words for a unit; for one that few sentences need they are chosen when it first comes up."""
        if unit not in self.unit_words:
            self.unit_words[unit] = self.rng.choice(_UNIT_WORDS[unit])
        return self.unit_words[unit]

    def product(self, sizes: list[Stated]) -> str:
        """`50 x 30 x 5 mm`, with every unit where they differ or the writer likes it so; `M8` once for all it means."""
        units = {size.unit for size in sizes if isinstance(size, Measure)}
        if units == {"screw"}:
            return self.size(sizes[0])
        each = self.unit_each or len(units) > 1
        *front, last = (str(size) if isinstance(size, int) else size for size in sizes)
        texts = [size if isinstance(size, str) else self.size(size) if each else size.number for size in front]
        return self.times.join([*texts, last if isinstance(last, str) else self.size(last)])

    def count(self, number: int) -> str:
        """A number of things, in digits or words."""
        if number >= len(COUNT_WORDS) or self.digits:
            return str(number)
        return COUNT_WORDS[number] if self.spelt or self.digits is False or self.rng.random() < 0.6 else str(number)

    def capitals(self, pieces: list[Piece]) -> list[Piece]:
        """The pieces, the first letter a capital in some styles."""
        if self.rng.random() < 0.4 and pieces:
            first = pieces[0]
            pieces[0] = replace(first, text=first.text[:1].upper() + first.text[1:])
        return pieces


def _pieces(text: str) -> list[Piece]:
    """The pieces of a text with marked values."""
    pieces, end = [], 0
    for match in _MARKED.finditer(text):
        pieces += [Piece(text[end : match.start()]), Piece(match[2], tuple(match[1].split("*")))]
        end = match.end()
    return [piece for piece in (*pieces, Piece(text[end:])) if piece.text]

"""Sentences from alternatives: a small grammar, number styles, and a ledger of what was said.

A template is text with `[one|of|these]`, nested as deep as needed, and `{name}` for a stated value:
`{length}` is the number with its unit, `{length#}` the bare number, `{a*b*c}` a product such as `50 x 30 x 5 mm`.
`@` is the article a or an.
"""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from cadmonkey.parts.measures import Measure

Stated = Measure | int
_INNERMOST = re.compile(r"\[([^\[\]]*)\]")
_PLACE = re.compile(r"\{([^{}]+)\}")
_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_UNIT_WORDS = {
    "mm": ("mm", "mm", "mm", " mm", " mm", " mm", " mm", " millimeters", " millimetres"),
    "cm": ("cm", " cm", " cm", " centimeters", " centimetres"),
    "inch": (" in", " inch", " inches", '"', "in", "-inch"),
    "deg": ("°", "°", " degrees", " deg"),
}

OPENING = (
    "[||||make |make me |create |create me |design |design me |model |draw |generate |build |i need |i want |we need |"
    "give me |can you make |could you make |please make |please design |hey cadmonkey, create me |cad model of |"
    "i'd like |let's make |3d print |write openscad for |looking for ]"
)
CLOSING = "[|||||.|.|, please|, thanks| please]"


@dataclass(slots=True)
class Style:
    """How one person writes: the words for units, the sign between the sizes, capitals."""

    rng: random.Random
    unit_words: dict[str, str] = field(init=False)
    times: str = field(init=False)
    unit_each: bool = field(init=False)
    said: set[str] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        units = ("mm", "cm", "inch")
        self.unit_words = {unit: self.rng.choice(_UNIT_WORDS[unit]) for unit in units}
        self.times = self.rng.choice((" x ", " x ", " x ", "x", "x", " by ", " × ", "×", " X ", " * "))
        self.unit_each = self.rng.random() < 0.25

    def write(self, template: str, values: Mapping[str, Stated]) -> str:
        """One sentence from `template`; `said` then holds the names of all values it states."""
        text = _PLACE.sub(lambda match: self.value(match[1], values), self.choose(template))
        text = re.sub(r"\s+([,.;])", r"\1", re.sub(r" {2,}", " ", text)).strip()
        text = re.sub(r"@ (?=8|1[18]\b|[aeioAEIO]|u(?!n)|[Ll][- ]|OD|ID|M\d)", "an ", text).replace("@ ", "a ")
        return self.capitals(text)

    def choose(self, template: str) -> str:
        """`template` with one alternative of every bracket."""
        while (match := _INNERMOST.search(template)) is not None:
            template = template[: match.start()] + self.rng.choice(match[1].split("|")) + template[match.end() :]
        return template

    def value(self, place: str, values: Mapping[str, Stated]) -> str:
        """The text for one place of a template; notes what it states."""
        if "*" in place:
            return self.product([values[name] for name in self.noted(place.split("*"))])
        name = place.rstrip("#")
        stated = values[self.noted([name])[0]]
        if isinstance(stated, int):
            return self.count(stated)
        return stated.number if place.endswith("#") else self.size(stated)

    def noted(self, names: list[str]) -> list[str]:
        """`names`, entered in the ledger of what was said."""
        self.said.update(names)
        return names

    def unit_word(self, unit: str) -> str:
        """How this person writes a unit; the seldom ones are chosen when the first is written."""
        if unit not in self.unit_words:
            self.unit_words[unit] = self.rng.choice(_UNIT_WORDS[unit])
        return self.unit_words[unit]

    def size(self, stated: Stated) -> str:
        """A number with its unit."""
        if isinstance(stated, int):
            return self.count(stated)
        by_name = stated.unit in ("screw", "standard")
        return stated.number if by_name else stated.number + self.unit_word(stated.unit)

    def product(self, sizes: list[Stated]) -> str:
        """`50 x 30 x 5 mm`, or with every unit where they differ or the writer likes it so; `M8` once for all of it."""
        units = {size.unit for size in sizes if isinstance(size, Measure)}
        if units == {"screw"}:
            return self.size(sizes[0])
        if self.unit_each or len(units) > 1:
            return self.times.join(self.size(size) for size in sizes)
        *front, last = sizes
        return self.times.join([*(s.number if isinstance(s, Measure) else str(s) for s in front), self.size(last)])

    def count(self, number: int) -> str:
        """A number of things, in digits or words."""
        return _WORDS[number] if number < len(_WORDS) and self.rng.random() < 0.6 else str(number)

    def capitals(self, text: str) -> str:
        """The text, its first letter a capital in some styles."""
        return text[:1].upper() + text[1:] if self.rng.random() < 0.4 else text

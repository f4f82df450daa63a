"""How a part is described: a noun, its attributes in any order, and its features."""

import random
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Attribute:
    """One size of a part, with the words for it: `25 mm tall`, `a height of 25 mm`, `height = 25`."""

    name: str
    nouns: str
    adjectives: str

    @property
    def adjective(self) -> str:
        """As in `25 mm tall`."""
        return f"{{{self.name}}} [{self.adjectives}]"

    @property
    def noun(self) -> str:
        """As in `a height of 25 mm`."""
        return f"[[|@ ][{self.nouns}] of {{{self.name}}}|[{self.nouns}] {{{self.name}}}|{{{self.name}}} [{self.nouns}]]"

    def specification(self, sign: str) -> str:
        """As in `height = 25`, in millimetres."""
        return f"[{self.nouns}]{sign}{{{self.name}#}}"


LENGTH = Attribute("length", "length|overall length", "long|in length")
WIDTH = Attribute("width", "width|depth", "wide|deep|in width")
HEIGHT = Attribute("height", "height|overall height", "tall|high|in height")
THICKNESS = Attribute("thickness", "thickness", "thick|in thickness")
SIDE = Attribute("size", "side|side length|edge length", "on each side|per side")


@dataclass(frozen=True, slots=True)
class Words:
    """What there is to say of one part; a style makes a sentence of it.

    Every text is a template (`cadmonkey.parts.sentences`). Together the attributes and features state every value that
    does not take its default.
    """

    noun: str
    """What the part is called."""
    attributes: Sequence[Attribute] = ()
    """Its sizes."""
    features: Sequence[str] = ()
    """Phrases that follow `with`."""
    product: str = ""
    """`length*width*height`: sizes that may be stated at once."""
    rest: Sequence[Attribute] = ()
    """The attributes that the product leaves out."""
    bare: bool = False
    """Whether the numbers may stand without a unit: all are in millimetres."""
    plain: str = ""
    """A plain sentence that only this part has; it takes the place of the usual forms."""
    facts: Sequence[tuple[str, str]] = ()
    """The features as a list has them, (label, value): `("holes", "4 x {!hole_d}")`; without them, the features."""
    steps: Sequence[str] = ()
    """Instructions, one a step, in the order of the work; together they state every value."""
    absent: Sequence[str] = ()
    """What the part has not, as people say it: `no holes`, `open at the top`. True of the part, and it adds nothing."""


def describe(rng: random.Random, words: Words) -> str:
    """A template for one plain sentence; `rng` decides the form and the order."""
    if words.plain:
        return words.plain
    noun, features = words.noun, words.features
    if words.product and rng.random() < 0.6:
        return _with_product(rng, words)
    ordered = in_any_order(rng, words.attributes)
    form = rng.random()
    if words.bare and form < 0.1:
        sign = rng.choice((" = ", "=", ": ", " "))
        return f"{noun}[:|,|] {', '.join(a.specification(sign) for a in ordered)}" + _with(rng, features)
    if form < 0.35:
        return f"[@ |]{joined(rng, [a.adjective for a in ordered], ('', ','))} {noun}" + _with(rng, features)
    if form < 0.6:
        return f"[@ |]{noun}{_with(rng, [*(a.noun for a in ordered), *features])}"
    if form < 0.85:
        listed = joined(rng, [a.adjective for a in ordered], (",", ", and", " and"))
        return f"[@ |]{noun}[, | ][|that is |which is ]{listed}" + _with(rng, features)
    subject = rng.choice((". It is ", ". It should be ", ". Make it ", "; ", ". "))
    listed = joined(rng, [a.adjective for a in ordered], (", and", " and"))
    return f"[@ |]{noun}{subject}{listed}" + _with(rng, features)


def _with_product(rng: random.Random, words: Words) -> str:
    body = rng.choice(_PRODUCT_FORMS).format(noun=words.noun, product="{" + words.product + "}")
    left = in_any_order(rng, words.rest)
    if rng.random() < 0.5:
        return body + "".join(f", {a.adjective}" for a in left) + _with(rng, words.features)
    return body + _with(rng, [*(a.noun for a in left), *words.features])


_PRODUCT_FORMS = (
    "[@ |]{product} {noun}",
    "[@ |]{product} {noun}",
    "[@ |]{noun}, {product}",
    "[@ |]{noun} {product}",
    "[@ |]{noun} [measuring|of|sized|with dimensions|of size] {product}",
    "[@ |]{noun}: {product}",
    "[@ |]{noun}. [Size|Dimensions|It measures|Overall size] {product}",
)


def in_any_order(rng: random.Random, attributes: Sequence[Attribute]) -> list[Attribute]:
    """The attributes in any order, or as they come."""
    return rng.sample(attributes, len(attributes)) if rng.random() < 0.5 else list(attributes)


def joined(rng: random.Random, phrases: Sequence[str], signs: tuple[str, ...]) -> str:
    """`a, b and c`: commas between, one of `signs` before the last."""
    *front, last = phrases
    return f"{', '.join(front)}{rng.choice(signs)} {last}" if front else last


def _with(rng: random.Random, phrases: Sequence[str]) -> str:
    if not phrases:
        return ""
    start = rng.choice((" with ", " with ", " with ", ", with ", " that has ", " having ", ", ", ". It has ", ". Add "))
    return start + joined(rng, phrases, (" and", ", and", ",", " plus", ". Also"))

"""How a part is described: a noun, its attributes in any order, and its features."""

import random
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


def describe(
    rng: random.Random,
    noun: str,
    attributes: list[Attribute],
    features: list[str],
    product: str = "",
    rest: list[Attribute] | None = None,
    bare: bool = False,
) -> str:
    """A template for one sentence.

    Args:
        rng: decides the form and the order.
        noun: what the part is called, alternatives in brackets.
        attributes: its sizes.
        features: phrases that follow `with`.
        product: a `{a*b*c}` that states some sizes at once; `rest` are then the attributes it leaves out.
        bare: whether the numbers may stand without a unit (millimetres).
    """
    if product and rng.random() < 0.6:
        body = rng.choice(_PRODUCT_FORMS).format(noun=noun, product="{" + product + "}")
        left = _shuffled(rng, rest or [])
        if rng.random() < 0.5:
            return body + "".join(f", {a.adjective}" for a in left) + _with(rng, features)
        return body + _with(rng, [*(a.noun for a in left), *features])
    shuffled = _shuffled(rng, attributes)
    form = rng.random()
    if bare and form < 0.1:
        sign = rng.choice((" = ", "=", ": ", " "))
        return f"{noun}[:|,|] {', '.join(a.specification(sign) for a in shuffled)}" + _with(rng, features)
    if form < 0.35:
        return f"[@ |]{_joined(rng, [a.adjective for a in shuffled], ('', ','))} {noun}" + _with(rng, features)
    if form < 0.6:
        return f"[@ |]{noun}{_with(rng, [*(a.noun for a in shuffled), *features])}"
    if form < 0.85:
        listed = _joined(rng, [a.adjective for a in shuffled], (",", ", and", " and"))
        return f"[@ |]{noun}[, | ][|that is |which is ]{listed}" + _with(rng, features)
    subject = rng.choice((". It is ", ". It should be ", ". Make it ", "; ", ". "))
    listed = _joined(rng, [a.adjective for a in shuffled], (", and", " and"))
    return f"[@ |]{noun}{subject}{listed}" + _with(rng, features)


_PRODUCT_FORMS = (
    "[@ |]{product} {noun}",
    "[@ |]{product} {noun}",
    "[@ |]{noun}, {product}",
    "[@ |]{noun} {product}",
    "[@ |]{noun} [measuring|of|sized|with dimensions|of size] {product}",
    "[@ |]{noun}: {product}",
    "[@ |]{noun}. [Size|Dimensions|It measures|Overall size] {product}",
)


def _shuffled(rng: random.Random, attributes: list[Attribute]) -> list[Attribute]:
    return rng.sample(attributes, len(attributes)) if rng.random() < 0.5 else list(attributes)


def _joined(rng: random.Random, phrases: list[str], signs: tuple[str, ...]) -> str:
    """`a, b and c`: commas between, one of `signs` before the last."""
    *front, last = phrases
    return f"{', '.join(front)}{rng.choice(signs)} {last}" if front else last


def _with(rng: random.Random, phrases: list[str]) -> str:
    if not phrases:
        return ""
    start = rng.choice((" with ", " with ", " with ", ", with ", " that has ", " having ", ", ", ". It has ", ". Add "))
    return start + _joined(rng, phrases, (" and", ", and", ",", " plus", ". Also"))

"""Styles: the same part as a plain sentence, in telegram words, in a chat, as a data sheet, as instructions."""

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from cadmonkey.parts.ledger import ledger_of, number_of, said
from cadmonkey.parts.measures import Measure
from cadmonkey.parts.noise import MISSING_UNITS, disturbed, draw_noises
from cadmonkey.parts.phrases import Attribute, Words, describe, in_any_order, joined
from cadmonkey.parts.sentences import CLOSING, COUNT_WORDS, OPENING, Piece, Stated, Writer, round_kind, sentence_of

Values = Mapping[str, Stated]
Style = Callable[[Writer, Words, Values], str]

ABSENT_SHARE = 0.2
"""Share of the sentences, of parts with something to deny, that say what the part has not."""
DECLARED_SHARE = 0.3
"""Share of the data sheets in one unit that name it once for all numbers."""
PAIR_SHARE = 0.06
"""Share of the diameters in sheets and chats that are said as a radius as well, and of the radii as a diameter."""
MAX_TRIES = 6
UNITLESS = {"screw", "standard", "deg"}
"""What is no length in a unit."""
_ENDS_IN_NUMBER = re.compile(rf"(?:\d|\b(?:{'|'.join(COUNT_WORDS)}))[ .]+$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence in pieces, the style that it came out in, and what was done to it."""

    pieces: list[Piece]
    style: str
    noise: tuple[str, ...]


def write_sentence(
    rng: random.Random,
    words: Words,
    values: Values,
    defaults: Mapping[str, float],
    styles: Sequence[str],
    noises: Mapping[str, float],
) -> Sentence:
    """Write one sentence that states every value which is not its default.

    It is in one of `styles`, and in plain words where that style has none for the part.
    """
    wanted = styles[0] if len(styles) == 1 else rng.choice(styles)
    drawn = draw_noises(rng, noises, wanted)
    units = {value.unit for value in values.values() if isinstance(value, Measure)}
    bare = MISSING_UNITS in drawn and "mm" in units <= {"mm", *UNITLESS}
    # The plain mix keeps the sentences that the shipped model was trained on.
    for tries in range(MAX_TRIES if len(styles) > 1 else 1):
        silent = "mm" if bare and tries < MAX_TRIES - 1 else ""
        writer = Writer(rng, silent, spelt=tries > 1)
        style, pieces = _written(writer, words, values, defaults, wanted)
        if not numbers_meet(pieces, bool(writer.silent)):
            break
    noise = tuple(name for name in drawn if name != MISSING_UNITS or silent)
    return Sentence(disturbed(rng, pieces, noise), style, noise)


def numbers_meet(pieces: Sequence[Piece], bare: bool) -> bool:
    """Whether a number can be taken for another: `4 1/4 in holes`; without units `four 5 holes` and `64 in height`."""
    text = ""
    for number, prose in pairwise([*pieces, Piece("")]):
        starts = r"\d" if bare else r"\d+/\d"
        if number.names and re.match(starts, number.text) and (found := _ENDS_IN_NUMBER.search(text)):
            return bare or found[0][0].isdigit()
        if bare and number.names and re.match(r" in\b", prose.text):
            return True
        text += number.text
    return False


def plain(writer: Writer, words: Words, values: Values) -> str:
    """One sentence: `make me a plate 80 x 40 x 3 mm with four 5 mm holes in the corners`."""
    return OPENING + describe(writer.rng, words) + CLOSING


def terse(writer: Writer, words: Words, values: Values) -> str:
    """As on a slip of paper: `plate 80x40x3, 4 holes Ø5`."""
    writer.be_brief()
    rng = writer.rng
    product = _product(words)
    product = f"{{{product}}}" if product and rng.random() < 0.75 else ""
    form = rng.choice(_SHORT_FORMS)
    sizes = [
        _short_size(writer, size, values, form)
        for size in in_any_order(rng, words.rest if product else words.attributes)
    ]
    facts = [_short_fact(writer, *fact) for fact in words.facts]
    facts = facts or [_symbols(writer.choose(feature)) for feature in words.features]
    noun = _brief(writer.choose(words.noun))
    head = rng.choice((f"{noun} {product}", f"{product} {noun}", f"{noun}, {product}")) if product else noun
    between = rng.choice((" ", ", ")) if form == "letter" else ", "
    start = rng.choice((" ", ": ", ", ")) if between == ", " and not product else between
    described = head + (start + between.join(sizes) if sizes else "")
    if not sizes and not product and facts:
        return described + rng.choice((": ", " ", ", ")) + ", ".join([*facts, *_denials(rng, words)])
    return ", ".join([described, *facts, *_denials(rng, words)])


def spec_sheet(writer: Writer, words: Words, values: Values) -> str:
    """A title and a line for every size, or all in one line: `Plate; Length: 80 mm; Holes: 4 x Ø5`."""
    writer.be_brief()
    rng = writer.rng
    product = _product(words)
    product = f"{{{product}}}" if product and rng.random() < 0.25 else ""
    entries = [("[Size|Dimensions|Overall size]", product)] if product else []
    marked = rng.random() < 0.2 and writer.signs["d"] in "Øø"
    for size in in_any_order(rng, words.rest if product else words.attributes):
        entries.append((f"[{size.nouns}]", f"{{{'!' if marked else ''}{size.name}}}{_pair(rng, size.name, values)}"))
    facts = list(words.facts) or [_line_of(_symbols(writer.choose(feature))) for feature in words.features]
    entries += rng.sample(facts, len(facts)) if words.attributes and rng.random() < 0.2 else facts
    entries += [("[Note|Remarks|Notes]", denial) for denial in _denials(rng, words)]
    return _sheet(writer, words, entries, _declaration(writer, values))


def chatty(writer: Writer, words: Words, values: Values) -> str:
    """A maker who tells what it is for, then the facts, and says thanks."""
    writer.be_wordy()
    rng = writer.rng
    loose = words.attributes and rng.random() < 0.5
    facts = _facts_in_sentences(writer, words, values) if loose else _wrapped(rng, words)
    denials = [rng.choice(_DENIALS).format(denial) for denial in _denials(rng, words)]
    parts = [rng.choice(_GREETINGS), rng.choice(_REASONS), facts, *denials, rng.choice(_THANKS)]
    text = writer.choose(" ".join(part for part in parts if part))
    return _capitals(text) if rng.random() < 0.8 else text


def steps(writer: Writer, words: Words, values: Values) -> str:
    """Instructions in the order of the work: `1. Begin with a block … 2. Drill a hole …`."""
    writer.be_wordy()
    rng = writer.rng
    lines = [writer.choose(step) for step in words.steps]
    notes = [f"[Note|Remember|Result]: {denial}." for denial in _denials(rng, words)]
    if len(lines) > 1 and rng.random() < 0.3:
        return " ".join([_in_turn(rng, lines), *notes])
    number, end = rng.choice(_NUMBERINGS)
    between = "\n" if not end or rng.random() < 0.6 else " "
    numbered = [number.format(at) + line + end for at, line in enumerate(lines, start=1)]
    title = [rng.choice(_TITLES).format(words.noun)] if rng.random() < 0.5 else []
    return between.join([*title, *numbered, *notes])


STYLES: Mapping[str, Style] = {
    "plain": plain,
    "terse": terse,
    "chatty": chatty,
    "spec_sheet": spec_sheet,
    "steps": steps,
}
"""By name; each gives the template of a sentence, and sets the writer's habits."""

_GREETINGS = (
    "",
    "",
    "",
    "Hi!",
    "Hello,",
    "Hi there,",
    "Hey,",
    "Good morning.",
    "Hi all,",
    "Hello CadMonkey,",
    "Hey cadmonkey,",
)
_REASONS = (
    "",
    "I'm [building|making|working on] [a jig for my workshop|a small robot|a camera rig|a test stand|a garage shelf].",
    "[my|our] old [one|part] [broke|cracked|wore out|got lost] [last week|yesterday|again]"
    "[ and I want to print a new one| and nobody sells it any more|, so I have to make a new one].",
    "this is for [a school project|my dad's lathe|my bike|an old sewing machine|a kitchen drawer|our science fair].",
    "I just got a 3D printer and [would like|want] to [try|start with] something [simple|useful].",
    "we [need|are missing] a part for [the lab|the workshop|a customer|the greenhouse|our test bench].",
    "I have [looked everywhere|searched online] and [can't find|could not find] [the right one|one that fits].",
    "I'm [not good at CAD|new to this|no designer], so [I hope you can help|maybe you can help me].",
    "it will be [printed in PETG|milled from aluminium|printed in PLA|made by a friend], nothing [fancy|special].",
)
_THANKS = (
    "",
    "",
    "Thanks!",
    "Thank you!",
    "Thanks a lot in advance.",
    "Could you [do|draw|model] that for me?",
    "That would [help me a lot|be great].",
    "Cheers",
    "Thanks, [you're a life saver|much appreciated].",
    "Let me know if [anything is unclear|that works].",
    "please and thank you",
)
_ASKING = (
    "[what I need is|I need|I'm looking for|I would like|I'd like|please make me|we need|I'm after] {}.",
    "so [please draw|please model|I need] {}.",
    "[could|can] you [design|make|draw|model] {}?",
    "[basically|in short], [it's|I need|I want] {}.",
    "it's {}.",
)
_DENIALS = ("Just to be clear: {}.", "[Please remember|Remember]: {}.", "Note: {}.", "({})")
_ENDINGS = (
    "[it|the part] [has|needs|gets] {}.",
    "[there should be|it should have|I also need|I'd also like] {}.",
    "and {}.",
)
_SIZES = (
    "the {noun} [is|should be|has to be|must be] {{{name}}}{pair}.",
    "the {noun} [is|should be|has to be|must be] {{{name}}}{pair}.",
    "{noun}: {{{name}}}{pair}.",
)
_SIZES_AS_ADJECTIVES = (
    "it [is|should be|has to be|must be] {{{name}}} {adjective}{pair}.",
    "[make it|I want it] {{{name}}} {adjective}{pair}.",
)
_ADJECTIVE = re.compile(r"(?:long|wide|tall|high|deep|thick|on each side|per side|in \w+|across)$")
"""What may follow `it is 5 mm`."""
_NUMBERINGS = (("{}. ", "."), ("{}) ", ""), ("{}) ", "."), ("Step {}: ", "."), ("({}) ", "."), ("- ", ""))
"""What stands before a step and behind it."""
_TITLES = ("[How to make|Make|Build|Instructions for|Model] @ {}:", "{}:", "[Please model this part|Do this|Steps]:")
_SHORT_FORMS = ("letter", "letter", "capital", "equals", "noun", "adjective")
_LETTERS = {"length": "l", "width": "w", "height": "h", "thickness": "t"}
_ROUND_WORDS = re.compile(r" ?\b(diameter|dia|radius)\b")
_ABBREVIATIONS = {
    "cylinder": "cyl",
    "rectangular": "rect",
    "bracket": "brkt",
    "mounting": "mtg",
    "diameter": "dia",
    "thickness": "thk",
}
_LABELS = (
    (r"\bholes\b", "[Holes|Drilling]"),
    (r"\bhole\b", "[Hole|Drilling]"),
    (r"\bwalls?\b", "[Walls|Wall]"),
    (r"\bbore\b", "Bore"),
    (r"\bslots?\b", "[Slot|Slots]"),
    (r"\bcorners\b", "Corners"),
    ("", "[Feature|Detail|Also]"),
)
"""A line of a data sheet is called by the first of these that its first words hold."""
_PREPOSITION = re.compile(r",| (?:in|on|of|through|at|for|along|with|from|under|across|reaching|around|that|which)\b")


def _written(
    writer: Writer, words: Words, values: Values, defaults: Mapping[str, float], style: str
) -> tuple[str, list[Piece]]:
    """The style that has words for all there is to say, and the pieces of the sentence."""
    silent = writer.silent  # before a data sheet declares its unit: plain words declare none
    pieces = writer.write(STYLES[style](writer, words, values), values)
    unsaid = values.keys() - said(ledger_of(pieces, values))
    wrong = [name for name in unsaid if number_of(values[name]) != defaults.get(name)]
    if not wrong:
        return style, pieces
    if style == "plain":
        raise AssertionError(f"{words.noun}: the sentence {sentence_of(pieces)!r} leaves out {', '.join(wrong)}")
    return _written(Writer(writer.rng, silent, writer.spelt), words, values, defaults, "plain")


def _denials(rng: random.Random, words: Words) -> list[str]:
    """What the part has not, in a share of the sentences."""
    return [rng.choice(words.absent)] if words.absent and rng.random() < ABSENT_SHARE else []


def _product(words: Words) -> str:
    """The sizes that may be stated at once, where the order is the usual one: the height comes last."""
    return "" if "height*" in words.product else words.product


def _brief(noun: str) -> str:
    return " ".join(_ABBREVIATIONS.get(word, word) for word in noun.split())


def _short_size(writer: Writer, size: Attribute, values: Values, form: str) -> str:
    """`d20`, `H = 35`, `OD 30`, `35 long`."""
    noun = writer.choose(f"[{size.nouns}]")
    if form == "adjective":
        return size.adjective
    if _ROUND_WORDS.search(noun) and round_kind(size.name):
        return f"{_ROUND_WORDS.sub('', noun)} {{!{size.name}}}".strip()
    if form == "noun" or size.name not in _LETTERS:
        return f"{_brief(noun)} {{{size.name}}}"
    stated = values[size.name]
    apart = isinstance(stated, Measure) and "/" in stated.number
    letter = _LETTERS[size.name].upper() if form == "capital" else _LETTERS[size.name]
    return f"{letter}{'=' if form == 'equals' else ' ' if apart else ''}{{{size.name}}}"


def _short_fact(writer: Writer, label: str, value: str) -> str:
    """`4 holes Ø5`, `holes 4 x Ø5`, `wall 2`."""
    label, value = _brief(writer.choose(label)), writer.choose(value)
    many = re.match(r"(\d+|\{\w+\}) x (.*)", value)
    if many and writer.rng.random() < 0.7:
        return writer.choose(f"{many[1]}[ |x |x ]{label} {many[2]}")
    return f"{label} {value}"


def _symbols(feature: str) -> str:
    """A feature with signs for words: `{hole_d} diameter holes` becomes `{!hole_d} holes`, four 4."""
    feature = re.sub(r" {2,}", " ", feature)
    feature = re.sub(r"(?<!of )\{(\w+_d|diameter)\}( diameter| dia)?(?= (?:\w+ ){0,2}holes?\b)", r"{!\1}", feature)
    feature = re.sub(r"\{(\w+_r|radius)\} radius\b", r"{!\1}", feature)
    return re.sub(rf"\b({'|'.join(COUNT_WORDS[2:])})\b(?! \{{\w)", lambda m: str(COUNT_WORDS.index(m[1])), feature)


def _line_of(feature: str) -> tuple[str, str]:
    """The label of a feature, and the feature without its article."""
    feature = re.sub(r"^(@|a|an|one) ", "", feature.strip())
    head = _PREPOSITION.split(feature)[0]
    label = next(label for pattern, label in _LABELS if re.search(pattern, head))
    alone = re.fullmatch(r"(\{!?\w+\}) (?:walls?|bore|hole)", feature)
    return label, alone[1] if alone else feature


def _declaration(writer: Writer, values: Values) -> str:
    """`Units: mm`, where the numbers that follow shall stand bare; else nothing."""
    units = {value.unit for value in values.values() if isinstance(value, Measure)} - UNITLESS
    if writer.silent or len(units) != 1 or writer.rng.random() > DECLARED_SHARE:
        return ""
    (writer.silent,) = units
    unit = {"mm": "[mm|mm|millimeters]", "cm": "[cm|centimeters]", "inch": "[inch|inches]"}[writer.silent]
    return f"[Units: {unit}|All dimensions in {unit}|All sizes in {unit}|Dimensions in {unit}]"


def _sheet(writer: Writer, words: Words, entries: list[tuple[str, str]], declaration: str) -> str:
    """The entries as lines under a title, or in one line."""
    rng = writer.rng
    sign = rng.choice((": ", ": ", ": ", " = ", " - ", "="))
    change = rng.choice((_first_capital, _first_capital, _no_capitals, _capitals_of_words))
    lines = [f"{change(writer.choose(label))}{sign}{writer.choose(value)}" for label, value in entries]
    noun = writer.choose(words.noun)
    if rng.random() < 0.35:
        between = rng.choice(("; ", "; ", " | ", ", " if not any("," in line for line in lines) else "; "))
        return between.join([noun, *([declaration] if declaration else []), *lines])
    bullet = rng.choice(("", "", "", "- ", "* ", "• "))
    title = rng.choice(("{}", "{}", "{}:", "Part: {}", "Part name: {}", "Item: {}", "# {}", "Name: {}"))
    head = [title.format(_first_capital(noun)), *([declaration] if declaration and rng.random() < 0.6 else [])]
    foot = [declaration] if declaration and len(head) == 1 else []
    return "\n".join([*head, *(bullet + line for line in lines), *foot])


def _first_capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _no_capitals(text: str) -> str:
    return " ".join(word if word.isupper() else word.lower() for word in text.split())


def _capitals_of_words(text: str) -> str:
    return " ".join(map(_first_capital, text.split()))


def _capitals(text: str) -> str:
    """A capital at the start of every sentence."""
    return re.sub(r"(^|[.!?] )([a-z])", lambda match: match[1] + match[2].upper(), text)


def _pair(rng: random.Random, name: str, values: Values) -> str:
    """The radius beside a diameter, or the other way round, in a share of the sentences."""
    stated = values[name]
    if not round_kind(name) or not isinstance(stated, Measure) or stated.unit == "screw" or rng.random() > PAIR_SHARE:
        return ""
    return f" ([|so |that is ]{'radius' if round_kind(name) == 'd' else 'diameter'} {{~{name}}})"


def _wrapped(rng: random.Random, words: Words) -> str:
    """A plain description inside a request."""
    core = describe(rng, replace(words, bare=False, product=_product(words)))
    core = core.replace("[@ |]", "@ ", 1) if core.startswith("[@ |]") else core
    # A question has room for one sentence.
    asking = [form for form in _ASKING if form.endswith(".") or ". " not in core]
    return rng.choice(asking).format(core)


def _facts_in_sentences(writer: Writer, words: Words, values: Values) -> str:
    """What it is, then a sentence for each size, then the features."""
    rng = writer.rng
    asking = rng.choice(_ASKING).format(f"@ {words.noun}")
    sizes = [_size_in_a_sentence(writer, size, values) for size in in_any_order(rng, words.attributes)]
    features = [rng.choice(_ENDINGS).format(joined(rng, words.features, (" and", ", and")))] if words.features else []
    return " ".join([asking, *sizes, *features])


def _size_in_a_sentence(writer: Writer, size: Attribute, values: Values) -> str:
    """`It is 35 mm tall.`, `The height should be 35 mm.`"""
    noun, adjective = writer.choose(f"[{size.nouns}]"), writer.choose(f"[{size.adjectives}]")
    forms = (*_SIZES, *(_SIZES_AS_ADJECTIVES if _ADJECTIVE.match(adjective) else ()))
    form: str = writer.rng.choice(forms)
    pair = _pair(writer.rng, size.name, values)
    return form.format(noun=noun, adjective=adjective, name=size.name, pair=pair)


def _in_turn(rng: random.Random, lines: list[str]) -> str:
    """`First … then … finally`."""
    first, *others = lines
    *middle, last = [line[:1].lower() + line[1:] for line in others]
    then = [rng.choice(("Then ", "Next, ", "After that, ", "Then ")) + line for line in middle]
    start = rng.choice(("First, ", "First "))
    finish = rng.choice(("Finally, ", "Finally ", "Last, ", "At the end, "))
    return ". ".join([start + first[:1].lower() + first[1:], *then, finish + last]) + "."

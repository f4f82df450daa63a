"""Styles: the same part as a plain sentence, in telegram words, in a chat, as a data sheet, as instructions."""

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from cadmonkey.parts.measures import Measure
from cadmonkey.parts.noise import MISSING_UNITS, disturbed, draw_noises
from cadmonkey.parts.phrases import Attribute, Words, describe, in_any_order, joined
from cadmonkey.parts.sentences import CLOSING, OPENING, Piece, Stated, Writer, sentence_of

Values = Mapping[str, Stated]
Style = Callable[[Writer, Words, Values], str]

ABSENT_SHARE = 0.2
"""Share of the sentences, of parts with something to deny, that say what the part has not."""
DECLARED_SHARE = 0.3
"""Share of the data sheets in one unit that name it once for all numbers."""
MAX_TRIES = 4
_NUMBERS = {word: str(i) for i, word in enumerate("two three four five six seven eight nine ten".split(), start=2)}
_MEETING = re.compile(rf"(?:\d|\b(?:{'|'.join(_NUMBERS)}|one))[ .]+\d", re.IGNORECASE)
"""Two numbers with nothing between them: `four 5 holes`, `1. 80 long`; without units nobody can tell what they are."""


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
    if MISSING_UNITS in drawn and "mm" in units <= {"mm", "screw", "deg"}:
        for _ in range(MAX_TRIES):
            style, pieces = _written(Writer(rng, silent="mm"), words, values, defaults, wanted)
            if not _MEETING.search(sentence_of(pieces)):
                return Sentence(disturbed(rng, pieces, drawn), style, tuple(drawn))
    drawn = [name for name in drawn if name != MISSING_UNITS]
    style, pieces = _written(Writer(rng), words, values, defaults, wanted)
    return Sentence(disturbed(rng, pieces, drawn), style, tuple(drawn))


def plain(writer: Writer, words: Words, values: Values) -> str:
    """One sentence: `make me a plate 80 x 40 x 3 mm with four 5 mm holes in the corners`."""
    return OPENING + describe(writer.rng, words) + CLOSING


def terse(writer: Writer, words: Words, values: Values) -> str:
    """As on a slip of paper: `plate 80x40x3, 4 holes Ø5`."""
    writer.be_brief()
    rng = writer.rng
    product = f"{{{words.product}}}" if words.product and rng.random() < 0.75 else ""
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
    product = f"{{{words.product}}}" if words.product and rng.random() < 0.25 else ""
    entries = [("[Size|Dimensions|Overall size]", product)] if product else []
    marked = rng.random() < 0.2 and writer.signs["d"] in "Øø"
    for size in in_any_order(rng, words.rest if product else words.attributes):
        entries.append((f"[{size.nouns}]", f"{{{'!' if marked else ''}{size.name}}}"))
    facts = [(label, value) for label, value in words.facts]
    facts = facts or [_line_of(_symbols(writer.choose(feature))) for feature in words.features]
    entries += facts if words.product or rng.random() < 0.7 else rng.sample(facts, len(facts))
    entries += [("[Note|Remarks|Notes]", denial) for denial in _denials(rng, words)]
    return _sheet(writer, words, entries, _declaration(writer, values))


def chatty(writer: Writer, words: Words, values: Values) -> str:
    """A maker who tells what it is for, then the facts, and says thanks."""
    writer.be_wordy()
    rng = writer.rng
    facts = _facts_in_sentences(rng, words) if words.attributes and rng.random() < 0.5 else _wrapped(rng, words)
    denials = [rng.choice(_DENIALS).format(denial) for denial in _denials(rng, words)]
    said = [rng.choice(_GREETINGS), rng.choice(_REASONS), facts, *denials, rng.choice(_THANKS)]
    return " ".join(part for part in said if part)


def steps(writer: Writer, words: Words, values: Values) -> str:
    """Instructions in the order of the work: `1. Begin with a block … 2. Drill a hole …`."""
    writer.be_wordy()
    rng = writer.rng
    lines = [writer.choose(step) for step in words.steps]
    lines += [f"[Leave it like that|Nothing else is needed|That is all]: {denial}" for denial in _denials(rng, words)]
    if len(lines) > 1 and rng.random() < 0.3:
        return _in_turn(rng, lines)
    number, end = rng.choice(
        (("{}. ", "."), ("{}) ", ""), ("{}) ", "."), ("Step {}: ", "."), ("({}) ", "."), ("- ", ""))
    )
    between = "\n" if not end or rng.random() < 0.6 else " "
    numbered = [number.format(at) + line + end for at, line in enumerate(lines, start=1)]
    title = rng.choice(_TITLES) if rng.random() < 0.5 else ""
    return (title.format(words.noun) + between if title else "") + between.join(numbered)


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
    "I'm [building|making|working on] [a jig for my workshop|a small robot|a camera rig|a test stand|a shelf for the garage].",
    "[My|Our] old [one|part] [broke|cracked|wore out|got lost] [last week|yesterday|again] [and I want to print a new one|"
    "and nobody sells it any more|so I have to make a new one].",
    "this is for [a school project|my dad's lathe|my bike|an old sewing machine|a kitchen drawer|our science fair].",
    "I just got a 3D printer and [would like|want] to [try|start with] something [simple|useful].",
    "we [need|are missing] a part for [the lab|the workshop|a customer|the greenhouse|our test bench].",
    "I have [looked everywhere|searched online] and [can't find|could not find] [the right one|one that fits].",
    "I'm [not good at CAD|new to this|no designer], so [I hope you can help|maybe you can help me].",
    "it will be [printed in PETG|milled from aluminium|printed in PLA|cut by a friend], [nothing fancy|so keep it simple].",
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
    "[What I need is|I need|I'm looking for|I would like|I'd like|Please make me|Could you design|We need|I'm after] {}.",
    "So [please draw|please model|could you make|I need] {}.",
    "[Basically|In short|Simply] {}.",
    "It's {}.",
)
_DENIALS = ("Just to be clear: {}.", "And [please|remember], {}.", "Note: {}.", "({})", "[So|That means] {}.")
_ENDINGS = (
    "[It|The part] [has|needs|gets] {}.",
    "[There should be|It should have|I also need|I'd also like] {}.",
    "[And|Then] {}.",
)
_SIZES = (
    "The [{nouns}] [is|should be|has to be|must be] {{{name}}}.",
    "It [is|should be|has to be|must be] {{{name}}} [{adjectives}].",
    "[Make it|I want it] {{{name}}} [{adjectives}].",
    "[{nouns}]: {{{name}}}.",
)
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
    ("hole", "[Holes|Drilling|Hole]"),
    ("wall", "[Walls|Wall]"),
    ("bore", "Bore"),
    ("slot", "[Slot|Slots]"),
    ("corner", "Corners"),
    ("edge", "Edges"),
    ("", "[Feature|Detail|Also]"),
)
"""A line of a data sheet is called by the first of these words that is in it."""


def _written(
    writer: Writer, words: Words, values: Values, defaults: Mapping[str, float], style: str
) -> tuple[str, list[Piece]]:
    """The style that has words for all there is to say, and the pieces of the sentence."""
    pieces = writer.write(STYLES[style](writer, words, values), values)
    unsaid = values.keys() - {name for piece in pieces for name in piece.names}
    wrong = [name for name in unsaid if _number(values[name]) != defaults.get(name)]
    if not wrong:
        return style, pieces
    if style == "plain":
        raise AssertionError(f"{words.noun}: the sentence {sentence_of(pieces)!r} leaves out {', '.join(wrong)}")
    return _written(Writer(writer.rng, writer.silent), words, values, defaults, "plain")


def _number(stated: Stated) -> float:
    return stated.mm if isinstance(stated, Measure) else stated


def _denials(rng: random.Random, words: Words) -> list[str]:
    """What the part has not, in a share of the sentences."""
    return [rng.choice(words.absent)] if words.absent and rng.random() < ABSENT_SHARE else []


def _brief(noun: str) -> str:
    return " ".join(_ABBREVIATIONS.get(word, word) for word in noun.split())


def _short_size(writer: Writer, size: Attribute, values: Values, form: str) -> str:
    """`d20`, `H = 35`, `OD 30`, `35 long`."""
    noun = writer.choose(f"[{size.nouns}]")
    if form == "adjective":
        return size.adjective
    if _ROUND_WORDS.search(noun) and size.name.endswith(("diameter", "radius", "_d", "_r")):
        return f"{_ROUND_WORDS.sub('', noun)} {{!{size.name}}}".strip()
    number = values[size.name].number if isinstance(values[size.name], Measure) else ""  # type: ignore[union-attr]
    if form == "noun" or size.name not in _LETTERS:
        return f"{_brief(noun)} {{{size.name}}}"
    letter = _LETTERS[size.name].upper() if form == "capital" else _LETTERS[size.name]
    return f"{letter}{'=' if form == 'equals' else ' ' * (' ' in number or '/' in number)}{{{size.name}}}"


def _short_fact(writer: Writer, label: str, value: str) -> str:
    """`4 holes Ø5`, `holes 4 x Ø5`, `wall 2`."""
    label, value = _brief(writer.choose(label)), writer.choose(value)
    many = re.match(r"(\d+|\{\w+\}) x (.*)", value)
    if many and writer.rng.random() < 0.7:
        return writer.choose(f"{many[1]}[ |x |x ]{label} {many[2]}")
    return f"{label} {value}"


def _symbols(feature: str) -> str:
    """A feature with signs for words: `{hole_d} diameter holes` becomes `{!hole_d} holes`, four 4."""
    feature = re.sub(r"(?<!of )\{(\w+_d|diameter)\}( diameter| dia)?(?= (?:\w+ ){0,2}holes?\b)", r"{!\1}", feature)
    feature = re.sub(r"\{(\w+_r|radius)\} radius\b", r"{!\1}", feature)
    return re.sub(rf"\b({'|'.join(_NUMBERS)})\b", lambda match: _NUMBERS[match[1]], feature)


def _line_of(feature: str) -> tuple[str, str]:
    """The label of a feature, and the feature without its article."""
    label = next(label for word, label in _LABELS if word in feature)
    return label, re.sub(r"^(@|a|an|one) ", "", feature.strip())


def _declaration(writer: Writer, values: Values) -> str:
    """`Units: mm`, where the numbers that follow shall stand bare; else nothing."""
    units = {value.unit for value in values.values() if isinstance(value, Measure)} - {"screw", "deg"}
    if writer.silent or len(units) != 1 or writer.rng.random() > DECLARED_SHARE:
        return ""
    (writer.silent,) = units
    unit = {"mm": "[mm|mm|millimeters]", "cm": "[cm|centimeters]", "inch": "[inch|inches]"}[writer.silent]
    return f"[Units: {unit}|All dimensions in {unit}|All sizes in {unit}|Dimensions in {unit}]"


def _sheet(writer: Writer, words: Words, entries: list[tuple[str, str]], declaration: str) -> str:
    """The entries as lines under a title, or in one line."""
    rng = writer.rng
    sign = rng.choice((": ", ": ", ": ", " = ", " - ", "="))
    change = rng.choice((_first_capital, _first_capital, str.lower, str.title))
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


def _wrapped(rng: random.Random, words: Words) -> str:
    """A plain description inside a request."""
    core = describe(rng, replace(words, bare=False))
    core = core.replace("[@ |]", "@ ", 1) if core.startswith("[@ |]") else core
    return rng.choice(_ASKING).format(core.replace("{", "{{").replace("}", "}}")).replace("{{", "{").replace("}}", "}")


def _facts_in_sentences(rng: random.Random, words: Words) -> str:
    """What it is, then a sentence for each size, then the features."""
    asking = rng.choice(_ASKING).format(f"@ {words.noun}")
    sizes = [
        rng.choice(_SIZES).format(nouns=size.nouns, adjectives=size.adjectives, name=size.name)
        for size in in_any_order(rng, words.attributes)
    ]
    features = [rng.choice(_ENDINGS).format(joined(rng, words.features, (" and", ", and")))] if words.features else []
    return " ".join([asking, *sizes, *features])


def _in_turn(rng: random.Random, lines: list[str]) -> str:
    """`First … then … finally`."""
    first, *others = lines
    *middle, last = [line[:1].lower() + line[1:] for line in others]
    then = [rng.choice(("Then ", "Next, ", "After that, ", "Then ")) + line for line in middle]
    start = rng.choice(("First, ", "First ", "To begin, "))
    finish = rng.choice(("Finally, ", "Finally ", "Last, ", "At the end, "))
    return ". ".join([start + first[:1].lower() + first[1:], *then, finish + last]) + "."

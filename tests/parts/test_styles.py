"""Every style says the same part in its own way, and what no style may change stays as it is."""

import hashlib
import json
import random
import re
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from cadmonkey.data.rows import make_rows
from cadmonkey.parts import DEFAULTS_MM, FAMILIES, PLAIN, Part, sample_part
from cadmonkey.parts.families import Draft, Draw
from cadmonkey.parts.ledger import ledger_faults, ledger_of
from cadmonkey.parts.measures import MOTORS_MM, NoRoomError, angle, measure, standard
from cadmonkey.parts.mix import COMPOSITIONS, CYCLE, FULL, PRIMITIVES, cycle
from cadmonkey.parts.noise import NOISES, mistyped, typos
from cadmonkey.parts.phrases import HEIGHT, LENGTH, WIDTH, Words
from cadmonkey.parts.sentences import Piece, Writer, sentence_of
from cadmonkey.parts.styles import STYLES, numbers_meet, write_sentence

ROWS = list(make_rows(1_000, seed=11))
TEN = PLAIN.families
DEFAULTS = {name: mm for sizes in DEFAULTS_MM.values() for name, mm in sizes.items()}


def parts_in(style: str, count: int, seed: int, families: tuple[str, ...] = tuple(TEN)) -> list[Part]:
    rng = random.Random(seed)
    return [sample_part(rng, families[i % len(families)], styles=(style,)) for i in range(count)]


def draft_of(family: str, rng: random.Random) -> Draft:
    while True:
        with suppress(NoRoomError):
            return FAMILIES[family](rng)


def written(words: Words, style: str, seed: int, **sizes: float) -> str:
    draw = Draw(random.Random(seed))
    draw.unit = "mm"
    for name, mm in sizes.items():
        draw.size(name, mm, mm)
    sentence = write_sentence(random.Random(seed), words, draw.values, {}, (style,), {})
    assert sentence.style == style
    return sentence_of(sentence.pieces)


def test_the_plain_mix_is_what_the_shipped_model_was_trained_on() -> None:
    rows = make_rows(300, 9, mix=PLAIN)
    text = json.dumps([[row["prompt"], row["completion"]] for row in rows])
    digest = "db443916db500a217f8abc9fb09abf035b85710dd56f381cd0be47aca351ba6d"
    assert hashlib.sha256(text.encode()).hexdigest() == digest


@pytest.mark.parametrize("style", STYLES)
def test_the_ten_families_have_words_in_every_style(style: str) -> None:
    assert {part.style for part in parts_in(style, 200, seed=1)} == {style}


@pytest.mark.parametrize("style", STYLES)
def test_no_two_sentences_of_a_style_have_the_same_words(style: str) -> None:
    shapes = {re.sub(r"[\d./]+", "#", part.prompt) for part in parts_in(style, 200, seed=2)}
    assert len(shapes) > 190 * 0.9


def test_terse_sentences_are_short_lines_in_digits() -> None:
    parts = parts_in("terse", 200, seed=3)
    lengths = sorted(len(part.prompt.split()) for part in parts)
    assert lengths[len(lengths) // 2] <= 12
    assert not any("\n" in part.prompt or re.search(r"\b(three|four|eight)\b", part.prompt) for part in parts)
    assert any(re.search(r"Ø\d", part.prompt) for part in parts)
    assert any(re.search(r"\bR\d", part.prompt) for part in parts)


def test_chatty_sentences_have_more_to_say_than_plain_ones() -> None:
    chatty, plain = (sum(len(part.prompt.split()) for part in parts_in(s, 100, seed=4)) for s in ("chatty", "plain"))
    assert chatty > 1.5 * plain


def test_sheets_have_a_line_for_every_size_or_one_line_for_all() -> None:
    parts = parts_in("spec_sheet", 200, seed=5, families=("block",))
    lines = Counter("\n" in part.prompt for part in parts)
    assert min(lines.values()) > 40
    words = Words("block", [LENGTH, WIDTH, HEIGHT])
    sheets = [written(words, "spec_sheet", seed, length=80, width=40, height=3) for seed in range(60)]
    assert any(re.search(r"^(- |\* |• )?(Overall )?Length: 80 ?mm$", sheet, re.MULTILINE) for sheet in sheets)
    assert any(re.search(r"; (overall )?length.{1,3}80", sheet, re.IGNORECASE) for sheet in sheets)


def test_a_sheet_may_name_the_unit_of_all_its_numbers() -> None:
    parts = [part for part in parts_in("spec_sheet", 300, seed=6) if "inch" in part.code]
    assert any(re.search(r"inch(es)?$|inch(es)?\n", part.prompt) for part in parts)
    assert not [fault for part in parts for fault in faults(part)]


def test_steps_are_numbered_or_told_in_turn() -> None:
    parts = parts_in("steps", 200, seed=7)
    for part in parts:
        prompt = part.prompt
        numbered = re.findall(r"(?:^|[\n ])\(?(?:Step )?(\d)(?:\. |\) |: )", prompt)
        told = prompt.startswith("First") and re.search(r"(Finally|Last|At the end),? \w", prompt)
        assert numbered == [str(at) for at in range(1, len(numbered) + 1)]
        assert numbered or "- " in prompt or told or len(part.ledger) < 4, prompt
    assert sum("(Z)" in part.prompt or "Z axis" in part.prompt for part in parts) > 60


def test_a_part_without_words_for_a_style_is_described_plainly() -> None:
    words = Words("thing", plain="thing {length} long")
    draw = Draw(random.Random(1))
    draw.size("length", 10, 20)
    for style in ("steps", "spec_sheet", "terse"):
        sentence = write_sentence(random.Random(2), words, draw.values, {}, (style,), {})
        assert sentence.style == "plain"
        assert "long" in sentence_of(sentence.pieces)


def test_features_stand_for_themselves_where_no_facts_are_given() -> None:
    words = Words("rail", [LENGTH], ["four {hole_d} diameter holes along the middle"])
    sheets = [written(words, style, 3, length=80, hole_d=5) for style in ("terse", "spec_sheet")]
    for sheet in sheets:
        assert re.search(r"4 (Ø|ø|d|D|dia )5 ?mm holes along the middle", sheet), sheet


def test_a_line_is_called_by_its_first_words() -> None:
    features = ["{hole_d} knuckle along the whole hole side", "{hole_d} walls"]
    sheets = [written(Words("rail", [LENGTH], [f]), "spec_sheet", 4, length=80, hole_d=5) for f in features]
    assert re.search(r"(feature|detail|also).{1,3}Ø?5( ?mm)? knuckle", sheets[0], re.IGNORECASE), sheets
    assert re.search(r"walls?.{1,3}5( ?mm)?$", sheets[1], re.IGNORECASE), sheets


def test_a_count_beside_a_fraction_is_a_word() -> None:
    words = Words("wheel", [LENGTH], ["{spokes} {spoke} wide spokes"])
    values = {"length": measure(Fraction(2), "inch"), "spokes": 5, "spoke": measure(Fraction(1, 8), "inch", True)}
    for seed in range(60):
        sentence = write_sentence(random.Random(seed), words, values, {}, ("terse", "plain", "spec_sheet"), {})
        assert not re.search(r"5 1/8", sentence_of(sentence.pieces))


def test_counts_in_a_product_are_digits() -> None:
    writer = Writer(random.Random(1), spelt=True)
    assert re.fullmatch(r"7\D+4 holes", sentence_of(writer.write("{columns*rows} holes", {"columns": 7, "rows": 4})))


def test_negations_are_true_and_in_a_share() -> None:
    words = Words("block", [LENGTH], absent=("no holes",), steps=("Make it {length} long",))
    for style in ("terse", "chatty", "spec_sheet", "steps"):
        said = [written(words, style, seed, length=80) for seed in range(200)]
        assert 15 < sum("no holes" in text for text in said) < 90


@pytest.mark.parametrize("style", STYLES)
def test_one_seed_writes_one_sentence(style: str) -> None:
    assert [p.prompt for p in parts_in(style, 20, seed=8)] == [p.prompt for p in parts_in(style, 20, seed=8)]


def faults(part: Part) -> list[str]:
    return ledger_faults(part.prompt, dict(part.ledger), DEFAULTS_MM.get(part.family, {}))


def test_every_number_is_said_as_the_ledger_claims() -> None:
    found = [f for row in ROWS for f in ledger_faults(row["prompt"], row["ledger"], DEFAULTS_MM.get(row["family"], {}))]
    assert not found
    assert sum(entry["text"] is None for row in ROWS for entry in row["ledger"].values()) > 5


def test_the_ledger_check_sees_other_numbers_units_signs_and_silence() -> None:
    prompt = "rod Ø20 mm, 3 1/4 in long, t4"
    entry = {"text": "Ø20 mm", "mm": 20}
    assert not ledger_faults(prompt, {"d": entry, "t": {"text": "4", "mm": 4}, "w": {"text": None, "mm": 2}}, {"w": 2})
    wrong: list[dict[str, Any]] = [
        {"d": {"text": "Ø20 mm", "mm": 21}},
        {"d": {"text": "Ø20 cm", "mm": 200}},
        {"r": entry},
        {"l": {"text": "1/4 in", "mm": 6.35}},
        {"d": {"text": "0 mm", "mm": 0}},
        {"w": {"text": None, "mm": 3}},
    ]
    for ledger in wrong:
        assert ledger_faults(prompt, ledger, {"w": 2}), ledger


def test_the_name_of_a_standard_states_all_its_sizes_and_an_angle_is_in_degrees() -> None:
    sizes = MOTORS_MM["NEMA 17"]
    values = {name: standard("Nema-17", mm) for name, mm in sizes.items()} | {"angle": angle(82.5)}
    words = Words("mount", plain="Mount for a {pilot_d} motor, cut at {angle}")
    sentence = write_sentence(random.Random(1), words, values, {}, ("plain",), {})
    ledger = ledger_of(sentence.pieces, values)
    assert {entry["text"] for name, entry in ledger.items() if name != "angle"} == {"Nema-17"}
    assert ledger["angle"]["deg"] == 82.5
    assert not ledger_faults(sentence_of(sentence.pieces), ledger, {})
    assert ledger_faults(sentence_of(sentence.pieces), ledger | {"pilot_d": {"text": "Nema-17", "mm": 23}}, {})


def test_no_sentence_holds_a_number_that_the_ledger_does_not_know() -> None:
    known = re.compile(
        r"3d|\b0\b|\d*[ -]degrees?|\d-sided|\d sides|\d equal steps|teeth [+-] [\d.]+|2 x|4 x|[24]x? |"
        r"(?:^|[\n ])\(?(?:step )?\d(?:\. |\) |: )|\d (?:steps|sections)"
    )
    for row in ROWS:
        left = row["prompt"]
        texts = {text for e in row["ledger"].values() for text in (e["text"], e.get("also")) if text}
        for text in sorted(texts, key=len, reverse=True):
            left = left.replace(text, "")
        left = re.sub(r"(step|section) \d", "", left.lower())
        assert not re.search(r"\d", known.sub("", left)), (row["prompt"], left)


def test_units_signs_and_pairs_are_all_in_the_mix() -> None:
    prompts = [row["prompt"] for row in ROWS]
    for pattern in (r"\d ?mm", r"\d ?cm", r"\d ?in|\d\"", r"\d/\d", "Ø", r"R\d", r"M\d", "no holes", "solid", "open"):
        assert sum(bool(re.search(pattern, prompt)) for prompt in prompts) >= 5, pattern
    pairs = [entry for row in ROWS for entry in row["ledger"].values() if "also" in entry]
    assert pairs


def test_typing_errors_touch_neither_numbers_nor_units() -> None:
    rng = random.Random(5)
    for part_number in range(120):
        draft = draft_of(TEN[part_number % len(TEN)], rng)
        pieces = write_sentence(rng, draft.words, draft.values, DEFAULTS, ("steps", "chatty"), {}).pieces
        typed = typos(rng, pieces)
        assert sentence_of(typed) != sentence_of(pieces)
        for before, after in zip(pieces, typed, strict=True):
            assert after == before or not before.names
            assert re.findall(r"\d", after.text) == re.findall(r"\d", before.text)
    pieces = [Piece("a spacer about "), Piece("three millimetres", ("thickness",)), Piece(" thick, units: M12x45abcde")]
    for seed in range(200):
        front, value, back = typos(random.Random(seed), pieces)
        assert value.text == "three millimetres"
        assert "units: M12x45abcde" in back.text
        assert front.text != pieces[0].text or back.text != pieces[2].text


def test_a_typing_error_leaves_a_word_that_can_be_read() -> None:
    rng = random.Random(1)
    for _ in range(500):
        made = mistyped(rng, "diameter")
        assert made != "diameter"
        assert made[0] == "d"
        assert abs(len(made) - 8) <= 1


def test_noise_is_recorded_and_in_its_share() -> None:
    shares = Counter(noise for row in ROWS for noise in row["noise"])
    assert shares.keys() == NOISES.keys()
    for row in ROWS:
        prompt = row["prompt"]
        assert ("upper" in row["noise"]) == (prompt.upper() == prompt), prompt
        if "no_units" in row["noise"]:
            assert not re.search(r"\d ?(mm|cm|in)\b|\d\"", prompt, re.IGNORECASE), prompt
    assert 80 < shares["typos"] < 180
    assert 90 < shares["no_units"] < 220


def test_without_units_no_two_numbers_stand_side_by_side() -> None:
    holes = [Piece("four "), Piece("5", ("d",)), Piece(" holes")]
    assert numbers_meet(holes, bare=True)
    assert not numbers_meet(holes, bare=False)
    assert numbers_meet([Piece("64", ("height",)), Piece(" in height")], bare=True)
    assert numbers_meet([Piece("4", ("n",)), Piece(" "), Piece("1/4 in", ("d",))], bare=False)
    assert not numbers_meet([Piece("4", ("n",)), Piece(" x "), Piece("5", ("d",))], bare=True)


def test_styles_have_their_shares() -> None:
    styles = Counter(row["style"] for row in ROWS)
    # A part that has no words for a style is told plainly.
    assert 0.40 < styles["plain"] / len(ROWS) < 0.50
    for style, share in {"terse": 0.15, "chatty": 0.12, "spec_sheet": 0.13, "steps": 0.20}.items():
        assert abs(styles[style] / len(ROWS) - share) < 0.05


def test_the_full_cycle_shares_itself_out_and_takes_in_what_comes() -> None:
    assert set(FULL.families) == set(FAMILIES)
    families = (*FAMILIES, *(f"other_{i}" for i in range(17)))
    made = cycle(families)
    counts = Counter(made)
    assert abs(len(made) - CYCLE) <= len(families) / 2  # every family rounded
    assert 0.15 < sum(counts[name] for name in PRIMITIVES) / len(made) < 0.20
    assert 0.27 < sum(counts[name] for name in COMPOSITIONS) / len(made) < 0.33
    assert set(made) == set(families)
    assert len(set(made[: CYCLE // 2])) > len(families) * 0.8


def test_a_fallback_keeps_the_words_of_the_part() -> None:
    words = replace(Words("block", [LENGTH, WIDTH]), product="length*width")
    assert "80" in written(words, "terse", 1, length=80, width=40)


def test_plain_words_in_place_of_a_sheet_that_declared_its_unit_name_the_unit() -> None:
    words = Words("thing", [LENGTH], plain="thing {length} long and {width} wide")
    draw = Draw(random.Random(1))
    draw.unit = "cm"
    for name in ("length", "width"):
        draw.size(name, 10, 20)
    for seed in range(60):
        sentence = write_sentence(random.Random(seed), words, draw.values, {}, ("spec_sheet",), {})
        assert not ledger_faults(sentence_of(sentence.pieces), ledger_of(sentence.pieces, draw.values), {})

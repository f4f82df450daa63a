"""What a file is proven on: held-out prompts with their answers where those are known, and plain prompts of ours."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cadmonkey.data.chat import Prompt, asked
from cadmonkey.errors import InputError
from cadmonkey.files import read_jsonl

MIN_PROMPTS = 64
"""Fewer prompts than this are no full proof; the run's own are topped up with plain ones."""

PROBES = 8
"""Plain prompts that are asked beside held-out ones that need no topping up."""

PLAIN_PROMPTS = (
    "A plate of 50 x 30 x 5 mm with a 4 mm hole in each corner",
    "10 mm diameter 25 mm tall standoff",
    "Write a haiku about the sea.",
    "Name three prime numbers between 20 and 40.",
    "def fibonacci(n):\n    ",
    "What's the capital of France? I'll need 1,234.5 of them…",
    "Erkläre in einem Satz, was ein Zahnrad ist.\n\n\tDanke!",
    "重力とは何ですか。",
    "How many grams are there in 2.5 kg?",
    "List the days of the week, separated by commas.",
    "Translate to Spanish: the door is open.",
    "Why is the sky blue?",
    "Write a limerick about a cat.",
    "What comes next: 2, 4, 8, 16?",
    "Summarise in five words: the train was late because of snow on the line.",
    "SELECT name, price FROM parts WHERE price > 10 ORDER BY",
    "Give me a recipe for pancakes for two people.",
    "Who wrote Romeo and Juliet?",
    "Convert 72 °F to Celsius.",
    "A tube with 20 mm outer and 16 mm inner diameter, 100 mm long",
    '{"name": "bolt", "size": "M6", "length_mm": 25}',
    "Explain recursion to a child.",
    "Is 91 a prime number? Answer yes or no.",
    "Écris une phrase avec le mot « été ».",
    "What is the boiling point of water at sea level?",
    "Sort these words: pear, apple, fig, cherry.",
    "for (int i = 0; i < 10; i++) {",
    "Suggest a name for a small grey monkey.",
    "What is 17 * 23?",
    "Write one line of Python that reverses a string.",
    "Where does the sun rise?",
    "Назови три реки.",
    "A ball of 30 mm diameter",
    "Complete the proverb: a stitch in time",
    "What is the opposite of 'transparent'?",
    "How long is a marathon, in km?",
    "Turn this into a question: you have seen my keys.",
    "Describe a bicycle to someone who never saw one.",
    "L-bracket, legs 40 mm and 60 mm, 5 mm thick, 30 mm wide",
    "What does the acronym CAD stand for?",
    "<p>Hello, <b>world</b>!</p>",
    "Name a metal that floats on water.",
    "Round 3.14159 to two decimals.",
    "Is a tomato a fruit or a vegetable?",
    "用一句话介绍长城。",
    "Give two reasons to sleep well.",
    "How do I boil an egg?",
    "Rewrite politely: send me the file now.",
    "Which is heavier, a kilogram of iron or of feathers?",
    "A hexagonal nut, 10 mm across flats, 5 mm thick, M6 hole",
    "x^2 - 5x + 6 = 0; what is x?",
    "What colour do blue and yellow make?",
    "Write a one-sentence horror story.",
    "How many legs do three spiders have?",
    "Tell me a joke about engineers.",
    "Spell the word 'necessary' letter by letter.",
    "What is the plural of 'axis'?",
    "Washer, Ø20, bore Ø8.4, 1.6 mm",
    "Name the planets in order from the sun.",
    "C'est combien, 3/4 d'un litre en cl ?",
    "if temperature > 30:\n\tprint(",
    "Invent a word and define it.",
    "What is a torque wrench for?",
    "😀 What does this mean?",
)
"""As many as a proof needs at least, the probes first.

Digits, spaces, accents and scripts try the tokenizer; and a model that is sure of its own subject hides wrong numbers
there, but not on what it never saw (a layer off by a tenth changes no answer of such a model, only these divergences).
"""


@dataclass(frozen=True)
class Question:
    """One prompt to prove on, and the answer it should get where that is known."""

    prompt: Prompt
    completion: str = ""
    stated: tuple[Mapping[str, Any], ...] = field(default=(), hash=False)
    """Dimensions in the sentence, by which the judge measures a part (see `cadmonkey.cad.dimensions`)."""
    is_plain: bool = False
    """Whether it is one of ours and not held out from the training."""


def read_questions(path: Path | None, limit: int, *, top_up: bool = True) -> tuple[Question, ...]:
    """Read the first `limit` held-out prompts; with `top_up` plain ones follow, so that there are MIN_PROMPTS in all.

    Without a file all are plain. `limit` is never exceeded.

    Raises:
        InputError: the file is missing, broken or empty, or `limit` is below 1.
    """
    if limit < 1:
        raise InputError(f"--limit: expected 1 or more, got {limit}")
    questions = [] if path is None else _read_held_out(path, limit)
    wanted = min(MIN_PROMPTS, limit) if top_up or path is None else 0
    missing = max(wanted - len(questions), 0)
    return (*questions, *plain_questions(missing))


def plain_questions(count: int) -> tuple[Question, ...]:
    """Return the first `count` plain prompts."""
    return tuple(Question(prompt, is_plain=True) for prompt in PLAIN_PROMPTS[:count])


def _read_held_out(path: Path, limit: int) -> list[Question]:
    rows = read_jsonl(path, ("prompt",))[:limit]
    if not rows:
        raise InputError(f'{path}: expected lines with a "prompt", got none')
    return [_question(row) for row in rows]


def _question(row: Mapping[str, Any]) -> Question:
    stated = row.get("stated")
    measurable = isinstance(stated, list) and all(isinstance(dimension, dict) for dimension in stated)
    completion = str(row.get("completion") or "").strip()
    return Question(asked(row), completion, tuple(stated) if measurable and stated else ())

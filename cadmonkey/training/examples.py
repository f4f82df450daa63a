"""Rows on disk, and the tokenized examples made of them."""

import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any, Literal

from cadmonkey.data.chat import ChatTokenizer, Example, asked, control_token_in, conversation, encode
from cadmonkey.data.mixing import Mixture, mix_sources
from cadmonkey.data.rows import make_rows
from cadmonkey.errors import InputError
from cadmonkey.files import read_json, read_jsonl, write_json, write_jsonl
from cadmonkey.parts import MIXES
from cadmonkey.training.recipe import Recipe

Row = dict[str, Any]


@dataclass(frozen=True)
class Examples:
    """The tokenized rows of one split, and how many were left out for which reason."""

    kept: list[Example]
    left_out: dict[str, int]
    longest: int = 0
    """Tokens of the longest row, also of those left out."""


def write_rows(out: Path, recipe: Recipe, references: Literal["parts", "held-out"] = "parts") -> list[Path]:
    """Write data/train.jsonl, data/validation.jsonl, data/sources.json and references.jsonl into `out`.

    They mix the recipe's datasets with its own parts; a run that has begun keeps its files. The references, which the
    trained model will be asked, are unseen parts, or held-out rows of the datasets (their test split if they have one).

    Raises:
        InputError: there is no data, a data set cannot be had or is of no known format.
    """
    train, validation, questions = (
        out / "data" / "train.jsonl",
        out / "data" / "validation.jsonl",
        out / "references.jsonl",
    )
    # Without a recipe.json, files that are there may be left over from a killed command with other choices.
    begun = (out / "recipe.json").exists()
    if begun and train.exists() and validation.exists() and questions.exists():
        print(f"data: done already ({train.parent})")
        return [train, validation, questions]
    if not recipe.datasets and not recipe.own_parts:
        raise InputError("--datasets: expected a file or a Hub id with rows to train on, got none")
    outside = read_outside(recipe)
    for source in outside.taken:
        print(f"data: {source}")
    held_out = min(recipe.validation_rows, recipe.rows_to_make)
    mix = MIXES[recipe.own_mix]
    own = make_rows(recipe.rows_to_make, recipe.seed, "train", _workers(), mix)
    own_held_out = make_rows(held_out, recipe.seed, "validation", mix=mix)
    write_jsonl(train, [*outside.train, *own])
    write_jsonl(validation, _mix(outside.validation, list(own_held_out)))
    write_json(out / "data" / "sources.json", [source.as_dict() for source in outside.taken])
    if references == "parts":
        write_jsonl(questions, make_rows(recipe.parts_to_judge, recipe.seed, "test", mix=mix))
    else:
        write_jsonl(questions, (outside.test or outside.validation)[: recipe.parts_to_judge])
    return [train, validation, questions]


def read_overlap(run: Path) -> int:
    """Return how many rows to train on were left out of the run's data because they stood among held-out ones."""
    path = run / "data" / "sources.json"
    return sum(source.get("overlap", 0) for source in read_json(path)) if path.is_file() else 0


def read_outside(recipe: Recipe) -> Mixture:
    """Read the recipe's datasets, mixed by weight and split; nothing of its own parts.

    Raises:
        InputError: a data set cannot be had or is of no known format.
    """
    return mix_sources(
        recipe.datasets,
        recipe.dataset_weights,
        seed=recipe.seed,
        prompt_column=recipe.prompt_column,
        completion_column=recipe.completion_column,
    )


def _mix(left: list[Row], right: list[Row]) -> list[Row]:
    """Take turns, so that the first rows hold both kinds."""
    return [row for pair in zip_longest(left, right) for row in pair if row is not None]


def _workers() -> int:
    return min(8, os.cpu_count() or 1)


def read_training_rows(folder: Path) -> tuple[list[Row], list[Row]]:
    """Return the rows to train on and the held-out rows."""
    train, validation = (
        read_jsonl(folder / f"{split}.jsonl", columns=("prompt", "completion")) for split in ("train", "validation")
    )
    if not train or not validation:
        raise InputError(
            f"{folder}: expected rows to train on and held-out rows, got {len(train)} and {len(validation)}; "
            "give more data (--datasets or --own-parts) and add --fresh"
        )
    return train, validation


def encode_rows(tokenizer: ChatTokenizer, rows: Iterable[Row], max_seq_length: int) -> Examples:
    """Tokenize `rows`; those over `max_seq_length` or with control tokens in the text are left out and counted.

    Raises:
        InputError: the tokenizer's template does not fit a row's conversation.
    """
    kept: list[Example] = []
    left_out: Counter[str] = Counter()
    longest = 0
    for row in rows:
        if any(control_token_in(tokenizer, text) for text in texts_of(row)):
            left_out["holds a control token"] += 1
            continue
        try:
            example = encode(tokenizer, asked(row), row["completion"])
        except InputError as error:
            raise InputError(f"data row {row.get('id', '')}: {error}") from error
        longest = max(longest, len(example.input_ids))
        if len(example.input_ids) > max_seq_length:
            left_out[f"longer than {max_seq_length} tokens"] += 1
        else:
            kept.append(example)
    return Examples(kept, dict(left_out), longest)


def texts_of(row: Row) -> list[str]:
    """Return everything that is said in a row, its completion last."""
    return [*(message["content"] for message in conversation(asked(row))), row["completion"]]

"""Rows on disk, and the tokenized examples made of them."""

import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from cadmonkey.data.chat import ChatTokenizer, Example, control_token_in, encode
from cadmonkey.data.rows import make_rows
from cadmonkey.data.sources import load_rows
from cadmonkey.errors import InputError
from cadmonkey.files import read_jsonl, write_jsonl
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


def write_rows(out: Path, recipe: Recipe) -> list[Path]:
    """Write data/train.jsonl, data/validation.jsonl and references.jsonl (the unseen parts to judge) into `out`.

    They mix the recipe's datasets with its own parts; a run that has begun keeps its files.

    Raises:
        InputError: a data set cannot be had or lacks its columns.
    """
    train, validation, references = (
        out / "data" / "train.jsonl",
        out / "data" / "validation.jsonl",
        out / "references.jsonl",
    )
    # Without a recipe.json, files that are there may be left over from a killed command with other choices.
    begun = (out / "recipe.json").exists()
    if begun and train.exists() and validation.exists() and references.exists():
        print(f"data: done already ({train.parent})")
        return [train, validation, references]
    outside = [row for source in recipe.datasets for row in load_rows(source)]
    held_out = min(recipe.validation_rows, recipe.rows_to_make)
    mix = MIXES[recipe.own_mix]
    own = make_rows(recipe.rows_to_make, recipe.seed, "train", _workers(), mix)
    own_held_out = make_rows(held_out, recipe.seed, "validation", mix=mix)
    write_jsonl(train, [*(row for row in outside if row["split"] == "train"), *own])
    write_jsonl(validation, _mix([row for row in outside if row["split"] == "validation"], list(own_held_out)))
    write_jsonl(references, make_rows(recipe.parts_to_judge, recipe.seed, "test", mix=mix))
    return [train, validation, references]


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
    """Tokenize `rows`; those over `max_seq_length` or with control tokens in the text are left out and counted."""
    kept: list[Example] = []
    left_out: Counter[str] = Counter()
    longest = 0
    for row in rows:
        if control_token_in(tokenizer, row["prompt"]) or control_token_in(tokenizer, row["completion"]):
            left_out["holds a control token"] += 1
            continue
        example = encode(tokenizer, row["prompt"], row["completion"])
        longest = max(longest, len(example.input_ids))
        if len(example.input_ids) > max_seq_length:
            left_out[f"longer than {max_seq_length} tokens"] += 1
        else:
            kept.append(example)
    return Examples(kept, dict(left_out), longest)

"""The data of a run that has not begun, as far as it is at hand: rows, and their lengths in tokens."""

import os
import socket
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from cadmonkey.data.rows import make_rows
from cadmonkey.errors import InputError
from cadmonkey.parts import MIXES
from cadmonkey.training.engines import find_base, load_tokenizer
from cadmonkey.training.examples import Examples, Row, encode_rows, read_outside, read_overlap, read_training_rows
from cadmonkey.training.plan import DataFigures, figures_of
from cadmonkey.training.recipe import Recipe

SAMPLE_ROWS = 1000
"""Own parts that are made to count the tokens of all."""

CHARACTERS_PER_TOKEN = 2.8
"""Own parts took 2.80 and 2.85 (plain, full) with Llama 3.2's tokenizer and 2.59 and 2.70 with Qwen2.5's, 300 rows."""

TEMPLATE_TOKENS = 36
"""What Llama 3.2's chat template puts around a row; Qwen2.5's puts 30."""

LEARNT_SHARE = 0.55
"""Of the tokens of a row those in the loss: own parts had 0.53 and 0.55 with Llama 3.2's tokenizer and template, 0.56
and 0.57 with Qwen2.5's (plain, full; 300 rows)."""


def go_offline_if_cut_off() -> None:
    """Tell the Hub's client that there is no network, which it would find out after a minute of retries.

    Call it before anything imports the client, which reads the variable once.
    """
    endpoint = urlparse(os.environ.get("HF_ENDPOINT", "https://huggingface.co"))
    if any(os.environ.get(name) for name in ("HTTPS_PROXY", "https_proxy")) or "HF_HUB_OFFLINE" in os.environ:
        return
    try:
        socket.create_connection((endpoint.hostname or "", endpoint.port or 443), timeout=3).close()
    except OSError:
        os.environ["HF_HUB_OFFLINE"] = "1"


def assume_data(recipe: Recipe, rows: int, tokens_per_row: int) -> DataFigures:
    """Return the figures of `rows` rows of `tokens_per_row` tokens each, without looking at any data.

    Raises:
        InputError: there would be none.
    """
    if rows < 1 or tokens_per_row < 1:
        raise InputError(f"--rows: expected rows of at least one token, got {rows} of {tokens_per_row}")
    kept = rows if tokens_per_row <= recipe.max_seq_length else 0
    return DataFigures(
        lengths=[tokens_per_row] * kept,
        tokens_in_loss=round(LEARNT_SHARE * tokens_per_row * kept),
        data_rows=kept,
        validation_rows=recipe.validation_rows,
        left_out={} if kept else {f"longer than {recipe.max_seq_length} tokens": rows},
        too_long=rows - kept,
        longest_row=tokens_per_row,
        tokens_from="estimate",
        note=f"assumed: {rows:,} rows of {tokens_per_row} tokens, {LEARNT_SHARE:.0%} of them in the loss",
    )


@dataclass(frozen=True)
class Sample:
    """Rows of a run, or of one that has not begun: all outside rows, and some of the own parts."""

    outside: list[Row]
    own: list[Row]
    held_out: list[Row]
    overlap: int
    """Rows to train on that were left out because they stood among held-out ones."""

    @property
    def train(self) -> list[Row]:
        """All rows to train on that are at hand."""
        return [*self.outside, *self.own]


def sample_rows(recipe: Recipe, run: Path | None) -> Sample:
    """Return the rows of the run's folder; without one, those that a run would write, with a sample of the own parts.

    Raises:
        InputError: a data set cannot be had.
    """
    if run is not None and (run / "data" / "train.jsonl").is_file():
        rows, held_out = read_training_rows(run / "data")
        return Sample(rows, [], held_out, read_overlap(run))
    outside = read_outside(recipe)
    mix = MIXES[recipe.own_mix]
    own = list(make_rows(min(recipe.own_parts, SAMPLE_ROWS), recipe.seed, "train", mix=mix))
    own_held_out = make_rows(min(recipe.validation_rows, recipe.own_parts), recipe.seed, "validation", mix=mix)
    return Sample(outside.train, own, [*outside.validation, *own_held_out], outside.overlap)


def look_at_data(recipe: Recipe, sample: Sample, tokenizer: Any) -> tuple[DataFigures, Examples]:
    """Return the figures of the whole data, with the own parts' lengths from the sample, and the sample's examples.

    Without a tokenizer (None) the figures are estimates and there are no examples.
    """
    figures, outside = _count(recipe, tokenizer, sample.outside, sample.held_out)
    if not sample.own:
        return figures, outside
    own_figures, own = _count(recipe, tokenizer, sample.own, [])
    both = Examples(
        [*outside.kept, *own.kept],
        dict(Counter(outside.left_out) + Counter(own.left_out)),
        max(outside.longest, own.longest),
    )
    return _add(figures, own_figures, len(sample.own), recipe), both


def find_tokenizer(base_model: str) -> Any:
    """Return the model's tokenizer, None where it is not at hand."""
    try:
        return load_tokenizer(base_model)
    except InputError:
        if Path(find_base(base_model)).is_dir():
            raise
        return None


def _count(recipe: Recipe, tokenizer: Any, rows: list[Row], held_out: list[Row]) -> tuple[DataFigures, Examples]:
    if tokenizer is None:
        return _estimate(recipe, rows, held_out), Examples([], {})
    train = encode_rows(tokenizer, rows, recipe.max_seq_length)
    validation = encode_rows(tokenizer, held_out, recipe.max_seq_length) if held_out else Examples([], {})
    return figures_of(recipe, rows, train, validation), train


def _estimate(recipe: Recipe, rows: list[Row], held_out: list[Row]) -> DataFigures:
    lengths = [_tokens(row["prompt"] + row["completion"]) + TEMPLATE_TOKENS for row in rows]
    both = list(zip(lengths, rows, strict=True))
    learnt = [_tokens(row["completion"]) for length, row in both if length <= recipe.max_seq_length]
    kept = [length for length in lengths if length <= recipe.max_seq_length]
    too_long = len(lengths) - len(kept)
    return DataFigures(
        lengths=kept,
        tokens_in_loss=sum(learnt),
        data_rows=len(kept),
        validation_rows=len(held_out),
        left_out={f"longer than {recipe.max_seq_length} tokens": too_long} if too_long else {},
        too_long=too_long,
        longest_row=max(lengths, default=0),
        tokens_from="estimate",
        note=f"{CHARACTERS_PER_TOKEN} characters a token, for the tokenizer is not at hand",
    )


def _tokens(text: str) -> int:
    return round(len(text) / CHARACTERS_PER_TOKEN)


def _add(outside: DataFigures, own: DataFigures, sampled: int, recipe: Recipe) -> DataFigures:
    """Put own parts beside the outside rows: as many as a run makes and keeps, as the sample goes, over and over."""
    made, times = recipe.rows_to_make, recipe.rows_to_make / sampled
    lengths = [own.lengths[number % len(own.lengths)] for number in range(round(times * len(own.lengths)))]
    left_out = {reason: round(times * count) for reason, count in own.left_out.items()}
    notes = [own.note] if own.note else []
    if sampled < made:
        notes.append(f"lengths of own parts from {sampled:,} of {made:,}")
    return DataFigures(
        lengths=[*outside.lengths, *lengths],
        tokens_in_loss=outside.tokens_in_loss + round(times * own.tokens_in_loss),
        data_rows=len(outside.lengths) + round(recipe.own_parts * len(own.lengths) / sampled),
        validation_rows=outside.validation_rows,
        left_out=dict(Counter(outside.left_out) + Counter(left_out)),
        too_long=outside.too_long + round(times * own.too_long),
        longest_row=max(outside.longest_row, own.longest_row),
        rows_by_family={**outside.rows_by_family, "own parts": made},
        tokens_from=own.tokens_from,
        note="; ".join(notes),
    )

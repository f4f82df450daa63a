"""Several examples in one row: which go together, and the inputs that keep them from seeing each other."""

import random
from bisect import bisect_left, insort
from collections.abc import Sequence
from typing import Any

from cadmonkey.data.chat import NO_LOSS, Example

WINDOW = 2000
"""Examples that are sorted into rows together: enough for rows that are 99 % full, few enough to stay shuffled."""


def fill_rows(lengths: Sequence[int], room: int, seed: int) -> list[list[int]]:
    """Return rows of example numbers whose `lengths` add up to at most `room` tokens; longer examples are left out.

    The examples are shuffled, and each window of them packed longest first, each into the fullest row that it fits
    (best-fit decreasing, Johnson 1973). The same seed gives the same rows.
    """
    order = [number for number, length in enumerate(lengths) if length <= room]
    random.Random(seed).shuffle(order)
    rows = []
    for start in range(0, len(order), WINDOW):
        window = sorted(order[start : start + WINDOW], key=lambda number: lengths[number], reverse=True)
        rows += _best_fit(window, lengths, room)
    return rows


def _best_fit(numbers: Sequence[int], lengths: Sequence[int], room: int) -> list[list[int]]:
    """Put each of `numbers` in turn into the row with the least room that is enough."""
    rows: list[list[int]] = []
    with_room: list[tuple[int, int]] = []  # (room left, row), sorted
    for number in numbers:
        place = bisect_left(with_room, (lengths[number], -1))
        if place < len(with_room):
            left, row = with_room.pop(place)
        else:
            left, row = room, len(rows)
            rows.append([])
        rows[row].append(number)
        insort(with_room, (left - lengths[number], row))
    return rows


def pack_examples(examples: Sequence[Example], room: int, seed: int) -> list[dict[str, list[int]]]:
    """Return rows of model inputs of at most `room` tokens that hold every example of at most that length once."""
    rows = fill_rows([len(example.input_ids) for example in examples], room, seed)
    return [flatten([examples[number] for number in row]) for row in rows]


def flatten(row: Sequence[Example]) -> dict[str, list[int]]:
    """Return one packed row as model inputs.

    `position_ids` start again at 0 in every example. Without an attention_mask, transformers reads a block-diagonal
    causal mask off them, and Unsloth the lengths of the blocks. No example is asked for the next one's first token.
    """
    return {
        "input_ids": [token for example in row for token in example.input_ids],
        "labels": [label for example in row for label in (NO_LOSS, *example.labels[1:])],
        "position_ids": [position for example in row for position in range(len(example.input_ids))],
    }


class PackedCollator:
    """Pads a batch of packed rows on the right, with a block of padding that sees only itself."""

    def __init__(self, pad_token_id: int) -> None:
        self._pad = pad_token_id

    def __call__(self, rows: list[dict[str, list[int]]]) -> dict[str, Any]:
        """Return input_ids, labels and position_ids, each (batch, seq)."""
        import torch

        width = max(len(row["input_ids"]) for row in rows)
        filled = []
        for row in rows:
            rest = width - len(row["input_ids"])
            ends = {"input_ids": [self._pad] * rest, "labels": [NO_LOSS] * rest, "position_ids": list(range(rest))}
            filled.append({name: row[name] + end for name, end in ends.items()})
        return {name: torch.tensor([row[name] for row in filled]) for name in filled[0]}


def in_one_row(batch: dict[str, Any], pad_token_id: int) -> dict[str, Any]:
    """Return the packed rows of `batch` end to end as a batch of one row, without padding, as Unsloth's kernels want.

    Their attention keeps to the blocks of `position_ids`, so a longer row costs no more than several.
    """
    kept = batch["input_ids"] != pad_token_id
    return {name: tensor[kept].unsqueeze(0) for name, tensor in batch.items()}

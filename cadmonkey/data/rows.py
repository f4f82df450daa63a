"""Rows of synthetic parts: a sentence, the program it asks for, and the split that the part belongs to."""

import random
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Any

from cadmonkey.parts import FAMILIES, sample_part, split_of

Row = dict[str, Any]
_CHUNK = 64


def make_rows(count: int, seed: int, split: str | None = None, workers: int = 1) -> Iterator[Row]:
    """Yield `count` rows {"id", "prompt", "completion", "family", "part", "split", "stated"}, the families in turn.

    The rows depend on `seed` alone, not on `workers`. With `split`, only parts of that split are drawn.
    """
    row = partial(make_row, seed=seed, split=split)
    if workers == 1:
        yield from map(row, range(count))
        return
    with ProcessPoolExecutor(workers) as pool:
        yield from pool.map(row, range(count), chunksize=_CHUNK)


def make_row(index: int, seed: int, split: str | None = None) -> Row:
    """Row number `index` of the stream with this seed."""
    families = list(FAMILIES)
    rng = random.Random(f"{seed}/{split}/{index}")
    part = sample_part(rng, families[index % len(families)], split)
    identity = part.hash
    return {
        "id": f"{part.family}-{seed}-{index:06d}",
        "prompt": part.prompt,
        "completion": part.code,
        "family": part.family,
        "part": identity,
        "split": split_of(identity),
        "stated": part.stated,
    }

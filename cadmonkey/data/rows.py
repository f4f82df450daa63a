"""Rows of synthetic parts: a sentence, the program it asks for, and the split that the part belongs to."""

import random
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Any

from cadmonkey.parts import FULL, Mix, Part, sample_part

Row = dict[str, Any]
_CHUNK = 64


def make_rows(count: int, seed: int, split: str | None = None, workers: int = 1, mix: Mix = FULL) -> Iterator[Row]:
    """Yield `count` rows of `mix`, see `make_row`.

    The rows depend on `seed` alone, not on `workers`. With `split`, only parts of that split are drawn.
    """
    row = partial(make_row, seed=seed, split=split, mix=mix)
    if workers == 1:
        yield from map(row, range(count))
        return
    with ProcessPoolExecutor(workers) as pool:
        yield from pool.map(row, range(count), chunksize=_CHUNK)


def make_row(index: int, seed: int, split: str | None = None, mix: Mix = FULL) -> Row:
    """Row number `index` of the stream with this seed; its columns are those of `cadmonkey.data.columns`."""
    return row_of(draw_part(index, seed, split, mix), index, seed)


def draw_part(index: int, seed: int, split: str | None = None, mix: Mix = FULL, attempt: int = 0) -> Part:
    """The part of row number `index`; another one for every `attempt`."""
    rng = random.Random(f"{seed}/{split}/{index}" + (f"/{attempt}" if attempt else ""))
    return sample_part(rng, mix.family_of(index, split), split, mix.styles, mix.noises)


def row_of(part: Part, index: int, seed: int) -> Row:
    """The row that describes a part."""
    return {
        "id": f"{part.family}-{seed}-{index:06d}",
        "prompt": part.prompt,
        "completion": part.code,
        "completion_ir": part.code_ir,
        "family": part.family,
        "variant": part.variant,
        "part": part.hash,
        "split": part.split,
        "style": part.style,
        "noise": list(part.noise),
        "parameters": dict(part.parameters),
        "ledger": part.ledger,
        "stated": part.stated,
    }

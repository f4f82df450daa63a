"""Texts that are nearly alike, by MinHash over runs of words."""

import re
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

RUN_WORDS = 3
THRESHOLD = 0.8
"""Texts are nearly alike from this Jaccard index of their runs of words on."""
BANDS, BAND_ROWS = 16, 4
"""Two texts with a Jaccard index of 0.8 share a band with a probability of 0.9998, with 0.4 of 0.34."""
MOST_COMPARED = 24
"""Texts of one bucket that another is compared with."""
_PRIME = (1 << 61) - 1
_Numbers = NDArray[np.uint64]


def near_pairs(texts: Sequence[str]) -> list[tuple[int, int]]:
    """Return pairs of places of texts that differ but are nearly alike; each place is once the second at the most."""
    runs = [_runs(text) for text in texts]
    signatures = np.array([_signature(members) for members in runs]).reshape(len(texts), BANDS, BAND_ROWS)
    buckets: dict[tuple[int, bytes], list[int]] = {}
    pairs = []
    for place, bands in enumerate(signatures):
        keys = [(band, values.tobytes()) for band, values in enumerate(bands)]
        others = {other for key in keys for other in buckets.get(key, ())}
        near = (o for o in sorted(others) if texts[o] != texts[place] and _jaccard(runs[o], runs[place]) >= THRESHOLD)
        if (first := next(near, None)) is not None:
            pairs.append((first, place))
        for key in keys:
            members = buckets.setdefault(key, [])
            if len(members) < MOST_COMPARED:
                members.append(place)
    return pairs


def folded(text: str) -> str:
    """Return `text` without regard to capitals and spaces: two that are equal so are one."""
    return " ".join(text.casefold().split())


def _runs(text: str) -> frozenset[int]:
    """Hashes of the runs of words of a text, without regard to capitals and signs."""
    words = re.findall(r"\d+(?:\.\d+)?|[^\W\d]+", text.casefold())
    count = max(len(words) - RUN_WORDS + 1, 1)
    return frozenset(zlib.crc32(" ".join(words[at : at + RUN_WORDS]).encode()) for at in range(count))


def _signature(runs: frozenset[int]) -> _Numbers:
    numbers = np.fromiter(runs, np.uint64, len(runs))
    return np.asarray((np.outer(_FACTORS, numbers) + _OFFSETS[:, None]).min(axis=1))


def _jaccard(one: frozenset[int], other: frozenset[int]) -> float:
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared)


_random = np.random.default_rng(1)
# Multiplication modulo 2^64 by odd numbers mixes the upper bits, which decide what is the least.
_FACTORS = _random.integers(1 << 60, _PRIME, BANDS * BAND_ROWS, dtype=np.uint64) | np.uint64(1)
_OFFSETS = _random.integers(0, _PRIME, BANDS * BAND_ROWS, dtype=np.uint64)

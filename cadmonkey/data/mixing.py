"""Several sources become one set of rows: weighted, without duplicates, some of them held out."""

import hashlib
import json
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from math import ceil
from typing import Any

from cadmonkey.data.chat import asked
from cadmonkey.data.sources import SPLITS, Row, Source, load_rows
from cadmonkey.errors import InputError

VALIDATION_SHARE = 0.02
"""Share of outside rows held out for validation."""

FEWEST_HELD_OUT = 10
"""Held out of small data, but never more than a tenth of it."""

LABEL_SHARE, LABEL_ROWS = 0.01, 10
"""An answer that stands in more rows than either (a share of all, a count) is a label like "yes", not a text."""

_CLAIMS = ("", *SPLITS)
"""Of copies the one with the last of these splits stays; "" is none of its own."""
_HELD_OUT = _CLAIMS.index("validation")
"""From here on a row is held out."""


@dataclass(frozen=True)
class Taken:
    """What became of one source, for people and for sources.json."""

    source: str
    format: str
    rows: int
    """Rows read."""
    unusable: int
    """Rows of a Hub data set that could not be read, and are not among `rows`."""
    duplicates: int
    """Rows left out because the same prompt and completion stand elsewhere, here or in another source."""
    overlap: int
    """Those of them that would be trained on though the other copy came as a held-out one."""
    weight: float
    train: int
    """Rows to train on, repeated ones included."""
    held_out: int

    def as_dict(self) -> dict[str, Any]:
        """Return the fields for sources.json."""
        return asdict(self)

    def __str__(self) -> str:
        """One line for the terminal."""
        words = [f"{self.source}: {self.rows:,} rows ({self.format})"]
        words += [f"{self.unusable:,} unusable ones left out"] if self.unusable else []
        words += [f"{self.duplicates:,} duplicates left out"] if self.duplicates else []
        words += [f"{self.overlap:,} of them stood among the held-out rows"] if self.overlap else []
        words += [f"weight {self.weight:g}"] if self.weight != 1 else []
        return ", ".join([*words, f"{self.train:,} to train on, {self.held_out:,} held out"])


@dataclass(frozen=True)
class Mixture:
    """The rows of all sources by split, and what became of each source."""

    train: list[Row]
    validation: list[Row]
    test: list[Row]
    """Only rows that came with this split of their own."""
    taken: list[Taken]

    @property
    def overlap(self) -> int:
        """Rows to train on that were left out because they stood among the held-out ones."""
        return sum(source.overlap for source in self.taken)


def mix_sources(
    sources: Sequence[str],
    weights: Sequence[float] = (),
    *,
    seed: int,
    prompt_column: str = "",
    completion_column: str = "",
) -> Mixture:
    """Read `sources`, leave out exact duplicates, take each by its weight, and hold some rows out.

    A weight of 2 takes every row twice to train on, 0.5 a random half; held-out rows are never repeated. Rows of one
    answer never sit on both sides, see `split_rows`; rows that come with a split keep it. Of copies the held-out stays.

    Raises:
        InputError: a source cannot be read, or there is not one positive weight for each.
    """
    _check_weights(sources, weights)
    weight_of = list(weights) or [1.0] * len(sources)
    loaded = [load_rows(source, prompt_column, completion_column) for source in sources]
    unique, overlaps = _without_duplicates(loaded)
    rng = random.Random(f"{seed}/mix")
    chosen = [_share(source.rows, min(weight, 1.0), rng) for source, weight in zip(unique, weight_of, strict=True)]
    rows = split_rows([row | {"source": number} for number, source in enumerate(chosen) for row in source])
    sides = {split: [row for row in rows if row["split"] == split] for split in SPLITS}
    train_of = [
        _repeat([row for row in sides["train"] if row["source"] == number], weight, rng)
        for number, weight in enumerate(weight_of)
    ]
    taken = [
        Taken(
            source=before.name,
            format=before.format,
            rows=len(before.rows),
            unusable=before.unusable,
            duplicates=len(before.rows) - len(after.rows),
            overlap=overlaps[number],
            weight=weight,
            train=len(train),
            held_out=sum(row["source"] == number for row in sides["validation"]),
        )
        for number, (before, after, weight, train) in enumerate(zip(loaded, unique, weight_of, train_of, strict=True))
    ]
    return Mixture(
        train=[_bare(row) for train in train_of for row in train],
        # By hash, so that the first of them come from all sources.
        validation=[_bare(row) for row in sorted(sides["validation"], key=lambda row: str(row["part"]))],
        test=[_bare(row) for row in sides["test"]],
        taken=taken,
    )


def split_rows(rows: list[Row]) -> list[Row]:
    """Return `rows` with "part", what must not be on both sides, and "split", decided by its hash.

    A part is a completion: one text under several prompts is on one side. Where a completion is a label, the part is
    the prompt with all that stands before it. The parts with the lowest hashes are held out until there are enough.
    Rows keep the split they came with, but where each has one and none is for validation: then some are held out of
    those to train on.
    """
    if all(row.get("split") in ("train", "test") for row in rows):
        rows = [{k: v for k, v in row.items() if (k, v) != ("split", "train")} for row in rows]
    outside = [row for row in rows if "split" not in row]
    counts = Counter(row["completion"] for row in outside)
    labels = {text for text, count in counts.items() if count > max(LABEL_ROWS, LABEL_SHARE * len(outside))}
    parts = [
        row.get("part") or _hash(_asked(row) if row["completion"] in labels else row["completion"]) for row in rows
    ]
    sizes = Counter(part for part, row in zip(parts, rows, strict=True) if "split" not in row)
    held_out = _lowest(sizes, _rows_to_hold_out(len(outside)))
    return [
        {"part": part, "split": "validation" if part in held_out else "train"} | row
        for part, row in zip(parts, rows, strict=True)
    ]


def _rows_to_hold_out(count: int) -> int:
    return max(ceil(VALIDATION_SHARE * count), min(FEWEST_HELD_OUT, count // 10), min(1, count // 2))


def _lowest(sizes: Counter[str], wanted: int) -> set[str]:
    """Return the parts with the lowest hashes that together have `wanted` rows; one at least stays to train on."""
    lowest: set[str] = set()
    for part in sorted(sizes)[:-1]:
        if wanted <= 0:
            break
        lowest.add(part)
        wanted -= sizes[part]
    return lowest


def _check_weights(sources: Sequence[str], weights: Sequence[float]) -> None:
    if weights and len(weights) != len(sources):
        raise InputError(
            f"--dataset-weights: expected one for each of {len(sources)} datasets ({', '.join(sources)}), "
            f"got {len(weights)}"
        )
    for weight in weights:
        if not 0 < weight <= 1000:
            raise InputError(f"--dataset-weights: expected numbers above 0 and up to 1000, got {weight}")


def _without_duplicates(sources: list[Source]) -> tuple[list[Source], list[int]]:
    """Leave out rows whose whole conversation stands elsewhere, and count those that would be trained on by source.

    The copy that is held out stays, wherever it stands, so that none is trained on; of others the first.
    """
    keys = [[_conversation(row) for row in source.rows] for source in sources]
    stays: dict[str, Row] = {}
    for source, its_keys in zip(sources, keys, strict=True):
        for key, row in zip(its_keys, source.rows, strict=True):
            stays[key] = max(stays.get(key, row), row, key=_claim)
    unique, overlaps = [], []
    for source, its_keys in zip(sources, keys, strict=True):
        both = [(row, stays[key]) for key, row in zip(its_keys, source.rows, strict=True)]
        unique.append(replace(source, rows=[row for row, other in both if row is other]))
        overlaps.append(sum(_claim(row) < _HELD_OUT <= _claim(other) for row, other in both))
    return unique, overlaps


def _claim(row: Row) -> int:
    """Which of several copies stays: the highest."""
    return _CLAIMS.index(row.get("split", ""))


def _conversation(row: Row) -> str:
    return _hash(_asked(row) + row["completion"])


def _share(rows: list[Row], share: float, rng: random.Random) -> list[Row]:
    """Return a random `share` of `rows`, in their order."""
    kept = sorted(rng.sample(range(len(rows)), round(share * len(rows))))
    return [rows[number] for number in kept]


def _repeat(rows: list[Row], weight: float, rng: random.Random) -> list[Row]:
    """Return `rows` `weight` times, a random part of them once more for a fraction; copies have ids of their own."""
    copies = [[row | {"id": f"{row['id']}/{copy}"} for row in rows] for copy in range(2, int(weight) + 1)]
    more = _share(rows, weight % 1, rng) if weight > 1 else []
    copies.append([row | {"id": f"{row['id']}/{len(copies) + 2}"} for row in more])
    return [*rows, *(row for copy in copies for row in copy)]


def _bare(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != "source"}


def _asked(row: Row) -> str:
    return json.dumps(asked(row), sort_keys=True)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()

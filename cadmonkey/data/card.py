"""The data card, in the form that the Hugging Face Hub reads."""

from collections.abc import Mapping
from typing import Any

from cadmonkey.data.chunks import FULL_EVERY
from cadmonkey.data.columns import COLUMNS
from cadmonkey.parts import HELD_OUT_BAND_MM
from cadmonkey.parts.soundness import COARSE

_HEAD = """---
license: apache-2.0
language: en
task_categories: [text-generation]
tags: [cad, openscad, synthetic]
configs:
- config_name: default
  data_files: rows-*.parquet
---

# Synthetic parts: sentences and CAD programs

{rows:,} rows made by `{command}`, written from parameters, not from code: the
sentence and the program of a row copy the same numbers. [dataset.json](dataset.json) has every choice, the versions,
and a checksum for each shard. The same choices with the same versions give the same bytes, whatever the number of
workers.

## Columns

{columns}

Nested columns are JSON text, so that rows with other parameters have one schema: `json.loads(row["stated"])`.

## Checks

Every row was checked before it was written: both notations parse, to the same solid; the solid is one sound body; and
every number of the sentence is measured on the solid, in millimetres (on curves of {coarse:g} sides, since sizes are
fitted to corners; one row in {full_every} at the program's own fineness too). The judge refused {refused} parts, and
others were drawn in their place; dataset.json names them.

## Splits

The part decides the split, so every wording of one part is in the same: 90 % train, 5 % validation, 5 % test. Parts
with a stated size from {low:g} mm up to {high:g} mm are held out of all three (`held_out_band`), and so are whole
families (`held_out_family`).

{splits}

## Families

{families}

## Repetitions

No row is left out because another is like it: {part:,} rows describe a part that an earlier row describes as well,
{prompt:,} rows repeat a prompt, {prompt_and_part:,} of them for the same part. `cadmonkey data audit` tells more.

## Licence

Apache-2.0. No data of other people went into it.
"""


def data_card(manifest: Mapping[str, Any]) -> str:
    """Return README.md for a finished folder."""
    settings = manifest["settings"]
    low, high = HELD_OUT_BAND_MM
    return _HEAD.format(
        rows=settings["rows"],
        command=f"cadmonkey data make --rows {settings['rows']} --seed {settings['seed']} --mix {settings['mix']}",
        columns="\n".join(["| column | what |", "|---|---|", *map(_column, COLUMNS)]),
        coarse=COARSE.fn,
        full_every=FULL_EVERY,
        refused=f"{manifest['refused']:,}",
        low=low,
        high=high,
        splits=_table("split", manifest["counts"]["split"]),
        families=_table("family", manifest["counts"]["family"]),
        **manifest["repeated"],
    )


def _column(name: str) -> str:
    kind = {"text": "", "texts": " (a list)", "json": " (JSON text)"}[COLUMNS[name].kind]
    return f"| `{name}` | {COLUMNS[name].meaning}{kind} |"


def _table(what: str, counts: Mapping[str, int]) -> str:
    total = sum(counts.values())
    lines = [f"| {name} | {count:,} | {100 * count / total:.1f} % |" for name, count in counts.items()]
    return "\n".join([f"| {what} | rows | share |", "|---|---|---|", *lines])

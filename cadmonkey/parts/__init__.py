"""Part families: parameters to a CSG tree and the sentence that asks for it."""

from cadmonkey.parts.families import DEFAULTS_MM, FAMILIES
from cadmonkey.parts.mix import FULL, MIXES, PLAIN, Mix
from cadmonkey.parts.part import Part, part_hash, sample_part
from cadmonkey.parts.soundness import is_sound
from cadmonkey.parts.splits import HELD_OUT_BAND_MM, HELD_OUT_FAMILIES, SPLITS, Split, split_of

__all__ = [
    "DEFAULTS_MM",
    "FAMILIES",
    "FULL",
    "HELD_OUT_BAND_MM",
    "HELD_OUT_FAMILIES",
    "MIXES",
    "PLAIN",
    "SPLITS",
    "Mix",
    "Part",
    "Split",
    "is_sound",
    "part_hash",
    "sample_part",
    "split_of",
]

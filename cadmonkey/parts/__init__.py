"""Part families: parameters to a CSG tree and the sentence that asks for it."""

from cadmonkey.parts.families import DEFAULTS_MM, FAMILIES
from cadmonkey.parts.part import Part, is_sound, part_hash, sample_part, split_of

__all__ = ["DEFAULTS_MM", "FAMILIES", "Part", "is_sound", "part_hash", "sample_part", "split_of"]

"""Free parts: bodies with features, free profiles extruded or revolved, halves and quarters of round bodies."""

from cadmonkey.parts.compositions.composition import composition

COMPOSITIONS = (composition,)
"""Their families."""

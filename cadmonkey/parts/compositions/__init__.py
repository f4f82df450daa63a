"""Free parts: bodies with features, free profiles extruded or revolved, halves and quarters of round bodies."""

from cadmonkey.parts.compositions.composition import composition
from cadmonkey.parts.compositions.profiles import extrusion, revolution
from cadmonkey.parts.compositions.sections import section

COMPOSITIONS = (composition, extrusion, revolution, section)
"""Their families."""

"""Part families: sizes, the program that is built from them, and the words for them.

What a sentence leaves unsaid takes the value in DEFAULTS_MM. Boxes, plates and brackets start at the
origin; round parts stand on z = 0, centred on the z axis; a ball is centred at the origin.
"""

import random
from collections.abc import Callable, Mapping

from cadmonkey.parts.compositions import COMPOSITIONS
from cadmonkey.parts.families.boxes import box
from cadmonkey.parts.families.brackets import gusset, hook, pillow_block, shelf_bracket, u_bracket
from cadmonkey.parts.families.draw import DEFAULTS_MM, Draft, Draw
from cadmonkey.parts.families.enclosures import divider, enclosure, frame
from cadmonkey.parts.families.holders import cable_comb, clip, fins, keyed_shaft, peg_block, stairs, stand
from cadmonkey.parts.families.mounts import hinge, mount, slotted_plate, strip, tag
from cadmonkey.parts.families.plates import bracket, plate
from cadmonkey.parts.families.primitives import block, cone, cylinder, sphere
from cadmonkey.parts.families.prisms import nut, prism, pyramid, wedge
from cadmonkey.parts.families.profiles import profile
from cadmonkey.parts.families.round import flange, shaft, spacer
from cadmonkey.parts.families.rounded import ellipse, handle, knob, torus
from cadmonkey.parts.families.turned import bushing, hub, pulley, spool
from cadmonkey.parts.families.vessels import bowl, cup, dome_shell, funnel
from cadmonkey.parts.families.wheels import gear, vent, wheel

Family = Callable[[random.Random], Draft]
FAMILIES: Mapping[str, Family] = {
    family.__name__: family
    for family in (
        *(block, cylinder, sphere, cone, plate, spacer, flange, bracket, box, shaft),
        *(hub, bushing, spool, pulley, gear, wheel, vent),
        *(cup, bowl, dome_shell, funnel),
        *(prism, nut, wedge, pyramid),
        *(knob, handle, torus, ellipse),
        *(profile, mount, strip, slotted_plate, tag, hinge),
        *(gusset, u_bracket, shelf_bracket, pillow_block, hook),
        *(enclosure, divider, frame),
        *(clip, stand, fins, cable_comb, peg_block, stairs, keyed_shaft),
        *COMPOSITIONS,
    )
}
"""Every family by its name."""

__all__ = ["DEFAULTS_MM", "FAMILIES", "Draft", "Draw", "Family"]

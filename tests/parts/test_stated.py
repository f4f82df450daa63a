"""Sentences state numbers that the judge can check: nearly all have a kind, and a changed number fails by its name."""

import random
import re
from collections import Counter
from dataclasses import replace

import pytest

from cadmonkey.cad.dimensions import Stated, check_dimensions
from cadmonkey.cad.kinds import ANY
from cadmonkey.cad.measure import measure
from cadmonkey.cad.openscad import parse_openscad
from cadmonkey.cad.program import Facets
from cadmonkey.cad.solid import solid
from cadmonkey.parts import FAMILIES, Part, sample_part
from cadmonkey.parts.ledger import said
from cadmonkey.parts.measures import NoRoomError

UNMEASURED = {"across_corners", "grip_d", "handle_d", "slot_top"}
"""Of a prism or beside a slot where something stands on the body, and of a mug's handle."""


def test_97_percent_of_the_numbers_have_a_kind_and_the_others_are_known() -> None:
    without, numbers = Counter[str](), 0
    rng = random.Random(3)
    for family in FAMILIES.values():
        for _ in range(60):
            try:
                draft = family(rng)
            except NoRoomError:
                continue
            numbers += len(draft.values)
            without.update(re.sub(r"\d", "", name) for name, kind in draft.kinds.items() if not kind)
    assert without.total() <= 0.03 * numbers
    # Places on a prism of three or five sides, whose axis is not the middle of its box, have none either.
    assert {name for name in without if not name.endswith(("_x", "_y"))} <= UNMEASURED


def stated_of(part: Part) -> list[tuple[str, Stated]]:
    """The parameters of a part and what is stated of each; none where one of them has no kind."""
    names = [name for name in part.parameters if name in said(part.ledger)]
    pairs = list(zip(names, part.stated, strict=False))
    same = [part.parameters[name] == pytest.approx(list(stated.values())[-1], abs=1e-5) for name, stated in pairs]
    return pairs if all(same) else []


def holds(part: Part, code: str, stated: Stated) -> bool:
    program = replace(parse_openscad(code), facets=Facets(fn=96))
    return bool(check_dimensions([stated], measure(solid(program)))[0]["ok"])


@pytest.mark.parametrize("family", [family for family in FAMILIES if family != "composition"])
def test_a_number_that_is_changed_a_little_or_a_lot_fails_by_its_name(family: str) -> None:
    part = sample_part(random.Random(8), family)
    pairs = stated_of(part)
    assert pairs
    for name, stated in pairs:
        line = re.search(rf"^{name} = (.*);", part.code, re.MULTILINE)
        assert line
        assert holds(part, part.code, stated), stated
        twins = [other for _, other in pairs if other["kind"] == stated["kind"] and other.get("mm") == stated.get("mm")]
        if len(twins) > 1 and stated["kind"].startswith(ANY):
            continue
        size = part.parameters[name]
        for change in (1,) if "count" in stated else (0.2, 0.1 * size + 0.5):
            assert not holds(part, part.code.replace(line[0], f"{name} = {line[1]} + {change};"), stated), stated

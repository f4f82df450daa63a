"""What the data is made of: families, numbers, units, what should be held out, and how parts look."""

import base64
import io
import re
from array import array
from collections import Counter
from typing import Any

from cadmonkey.cad.picture import render
from cadmonkey.cad.solid import solid
from cadmonkey.data.audit_rows import Finding, Item, figures
from cadmonkey.errors import CadmonkeyError
from cadmonkey.parts import HELD_OUT_BAND_MM, HELD_OUT_FAMILIES

BALANCED = ("split", "family", "variant", "style", "noise")
MOST_VALUES = 200
PICTURES = 20
PICTURE = (320, 240)
_NUMBER = re.compile(r"\d+(?:\.(\d+))?")
_UNITS = {
    "mm": r"\d\s*-?(?:mm|millimet)",
    "cm": r"\d\s*-?(?:cm|centimet)",
    "inch": r"\d\s*-?(?:inch|in\b|\")",
    "screw size": r"\bM\d",
    "diameter sign": r"[Øø⌀]",
    "degree": r"\d\s*(?:°|deg)",
}
_UNIT_PATTERNS = {name: re.compile(pattern) for name, pattern in _UNITS.items()}


class Balance:
    """How many rows there are of each split, family, variant, style and noise."""

    def __init__(self) -> None:
        self.counts: dict[str, Counter[str]] = {}

    def add(self, item: Item) -> None:
        """Count a row."""
        for column in BALANCED:
            value = item.row.get(column)
            if value is None:
                continue
            family = item.named("family")
            names = [str(entry) for entry in value] or ["none"] if isinstance(value, list) else [str(value)]
            for name in names:
                shown = f"{family}/{name}" if column == "variant" and name else name
                if shown:
                    self.counts.setdefault(column, Counter())[shown] += 1

    def result(self) -> dict[str, Any]:
        """Rows by column and value, the most frequent first."""
        return {column: dict(counts.most_common(MOST_VALUES)) for column, counts in self.counts.items()}


class Numbers:
    """The sizes that sentences state, their units and decimals."""

    def __init__(self) -> None:
        self.sizes = array("d")
        self.per_prompt = array("q")
        self.units: Counter[str] = Counter()
        self.decimals: Counter[int] = Counter()

    def add(self, item: Item) -> None:
        """Count what a prompt has."""
        self.sizes.extend(float(entry["mm"]) for entry in item.stated if isinstance(entry.get("mm"), int | float))
        numbers = _NUMBER.findall(item.prompt)
        self.per_prompt.append(len(numbers))
        self.decimals.update(len(fraction) for fraction in numbers)
        named = [name for name, pattern in _UNIT_PATTERNS.items() if pattern.search(item.prompt)]
        self.units.update(named or ["none"])

    def result(self) -> dict[str, Any]:
        """Figures and counts; a prompt with two units counts for both."""
        return {
            "stated_mm": figures(self.sizes),
            "numbers_per_prompt": figures(self.per_prompt),
            "units": dict(self.units.most_common()),
            "decimals": {str(places): count for places, count in sorted(self.decimals.items())},
        }


class HeldOut:
    """Rows outside the held-out splits that belong there: families, and sizes of the band."""

    def __init__(self) -> None:
        self.families, self.band = Finding(), Finding()

    def add(self, item: Item) -> None:
        """Look at a row of made data; others have no such splits."""
        split, low, high = item.named("split"), *HELD_OUT_BAND_MM
        if not split or not isinstance(item.row.get("stated"), list):
            return
        family = item.named("family")
        if family in HELD_OUT_FAMILIES and split != "held_out_family":
            self.families.add(item, f"{family} in {split}: {item.prompt}")
        sizes = [entry["mm"] for entry in item.stated if isinstance(entry.get("mm"), int | float)]
        if not split.startswith("held_out") and any(low <= size < high for size in sizes):
            self.band.add(item, f"{split}: {item.prompt}")

    def result(self) -> dict[str, Any]:
        """Both findings, and what is held out."""
        return {
            "held_out_families": sorted(HELD_OUT_FAMILIES),
            "held_out_band_mm": list(HELD_OUT_BAND_MM),
            "families": self.families.as_dict(),
            "band": self.band.as_dict(),
        }


class Gallery:
    """Some parts of every family, to be drawn."""

    def __init__(self) -> None:
        self.kept: dict[str, list[Item]] = {}

    def add(self, item: Item) -> None:
        """Keep the first parts of every family, and of every variant before a second of the same."""
        members = self.kept.setdefault(item.named("family"), [])
        variants = {member.named("variant") for member in members}
        new = item.named("variant") not in variants
        if item.program is not None and len(members) < PICTURES * (1 + new):
            members.insert(len(variants) if new else len(members), item)

    def result(self) -> dict[str, Any]:
        """The parts shown, families in turn, and their pictures as data URIs."""
        longest = max(map(len, self.kept.values()), default=0)
        turns = [members[at] for at in range(longest) for members in self.kept.values() if at < len(members)]
        pictures: list[dict[str, Any]] = []
        for item in turns:
            if len(pictures) < PICTURES and (drawn := _picture(item)):
                pictures.append({**_caption(item), "png": drawn})
        parts = [{name: value for name, value in entry.items() if name != "png"} for entry in pictures]
        return {"parts": parts, "pictures": pictures}


def _caption(item: Item) -> dict[str, Any]:
    return {"row": item.number, "id": item.named("id"), "family": item.named("family"), "prompt": item.prompt[:300]}


def _picture(item: Item) -> str:
    """A PNG as a data URI; "" where the program has no solid."""
    assert item.program is not None
    try:
        part = solid(item.program)
    except CadmonkeyError:
        return ""
    if part.is_empty():
        return ""
    buffer = io.BytesIO()
    render(part, PICTURE).quantize(128).save(buffer, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()

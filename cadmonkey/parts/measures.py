"""Dimensions as people state them: a number in a unit, and the OpenSCAD expression that copies it."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

from cadmonkey.cad.program import Parameter
from cadmonkey.cad.quantity import Quantity

UNITS = {"mm": 1.0, "cm": 10.0, "inch": 25.4}
"""Millimetres in one of each."""

CLEARANCE_MM = {"M2": 2.4, "M2.5": 2.9, "M3": 3.4, "M4": 4.5, "M5": 5.5, "M6": 6.6, "M8": 9, "M10": 11, "M12": 13.5}
"""Clearance hole of a metric screw, ISO 273 medium fit."""

NUTS_MM: Mapping[str, Mapping[str, float]] = {
    "M2": {"across_flats": 4, "thickness": 1.6, "thread_d": 2},
    "M2.5": {"across_flats": 5, "thickness": 2, "thread_d": 2.5},
    "M3": {"across_flats": 5.5, "thickness": 2.4, "thread_d": 3},
    "M4": {"across_flats": 7, "thickness": 3.2, "thread_d": 4},
    "M5": {"across_flats": 8, "thickness": 4.7, "thread_d": 5},
    "M6": {"across_flats": 10, "thickness": 5.2, "thread_d": 6},
    "M8": {"across_flats": 13, "thickness": 6.8, "thread_d": 8},
    "M10": {"across_flats": 16, "thickness": 8.4, "thread_d": 10},
    "M12": {"across_flats": 18, "thickness": 10.8, "thread_d": 12},
}
"""The nut of a metric screw, ISO 4032."""

MOTORS_MM: Mapping[str, Mapping[str, float]] = {
    "NEMA 14": {"hole_spacing": 26, "pilot_d": 22, "hole_d": CLEARANCE_MM["M3"]},
    "NEMA 17": {"hole_spacing": 31, "pilot_d": 22, "hole_d": CLEARANCE_MM["M3"]},
    "NEMA 23": {"hole_spacing": 47.14, "pilot_d": 38.1, "hole_d": CLEARANCE_MM["M5"]},
}
"""The face of a stepper motor: sides of the square of its screws, its pilot, and the clearance holes of the screws.

The squares and pilots are those of NEMA ICS 16; NEMA 23 has them in inches: 1.856 and 1.5.
"""


class NoRoomError(Exception):
    """The sizes drawn so far leave no room for this one; draw the part again."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One stated number: `number` as a person writes it, and its value in mm with the expression behind it."""

    number: str
    unit: str
    value: Quantity

    @property
    def mm(self) -> float:
        """The value in millimetres; of an angle, in degrees."""
        return float(self.value)

    @property
    def kind(self) -> str:
        """What the value is in: `mm`, or `deg` for an angle."""
        return "deg" if self.unit == "deg" else "mm"


def draw_measure(rng: random.Random, low_mm: float, high_mm: float, unit: str = "mm") -> Measure:
    """A natural number of `unit` between two sizes in mm.

    Raises:
        NoRoomError: no such number lies between them.
    """
    for step in _steps(rng, unit):
        low, high = _ceiling(low_mm / UNITS[unit], step), _floor(high_mm / UNITS[unit], step)
        if low <= high:
            return measure(step * rng.randint(low, high), unit, fraction=step.denominator in (2, 4, 8))
    raise NoRoomError


def measure(number: Fraction, unit: str, fraction: bool = False) -> Measure:
    """`number` of `unit`; inches may be written as a fraction."""
    if unit == "inch" and fraction and number.denominator > 1:
        return _fraction(number)
    written = f"{float(number):g}"
    literal = Quantity(float(written))
    return Measure(written, unit, literal if unit == "mm" else literal * unit_parameter(unit))


def rescaled(stated: Measure, factor: Fraction) -> Measure:
    """A stated size times `factor`, in the same unit and the same way of writing."""
    *whole, rest = stated.number.split()
    number = (sum(map(Fraction, whole)) + Fraction(rest)) * factor
    return measure(number, stated.unit, fraction="/" in stated.number or number.denominator in (2, 4, 8))


def screw(name: str) -> Measure:
    """The clearance hole of a screw, stated by the screw's name."""
    return Measure(name, "screw", Quantity(CLEARANCE_MM[name]))


def standard(name: str, mm: float) -> Measure:
    """A size that is stated by the name of a standard; all sizes of one name are stated by it at once."""
    return Measure(name, "standard", Quantity(mm))


def angle(degrees: float) -> Measure:
    """An angle in degrees."""
    return Measure(f"{degrees:g}", "deg", Quantity(degrees))


def unit_parameter(unit: str) -> Quantity:
    """The parameter that a program in this unit multiplies by."""
    return Quantity.named(unit, UNITS[unit])


def unit_parameters(measures: list[Measure]) -> list[Parameter]:
    """The `cm = 10;` and `inch = 25.4;` lines that these measures need."""
    used = {m.unit for m in measures}
    return [Parameter(unit, Quantity(UNITS[unit])) for unit in ("cm", "inch") if unit in used]


def _fraction(number: Fraction) -> Measure:
    whole, rest = divmod(number, 1)
    value = Quantity(rest.numerator) / Quantity(rest.denominator)
    text = f"{rest.numerator}/{rest.denominator}"
    if whole:
        value, text = Quantity(whole) + value, f"{whole} {text}"
    return Measure(text, "inch", value * unit_parameter("inch"))


def _steps(rng: random.Random, unit: str) -> list[Fraction]:
    """Grids to draw from, the wanted one first, finer ones behind it for where the room is narrow."""
    if unit == "mm":
        wanted = rng.choices(("5", "1", "0.5", "0.1", "0.25"), (25, 50, 15, 8, 2))
        finer = ["1", "0.5", "0.1"]
    elif unit == "cm":
        wanted, finer = rng.choices(("1", "0.5", "0.1"), (35, 35, 30)), ["0.1", "0.05"]
    else:
        wanted, finer = rng.choices(("1", "1/2", "1/4", "1/8", "0.1"), (20, 25, 25, 15, 15)), ["1/8", "0.05"]
    return [_grid(step) for step in (*wanted, *finer)]


@cache
def _grid(step: str) -> Fraction:
    return Fraction(step)


def _ceiling(value: float, step: Fraction) -> int:
    return -_floor(-value, step)


def _floor(value: float, step: Fraction) -> int:
    numerator, denominator = value.as_integer_ratio()  # exact, as the quotient of two fractions is, in less time
    return numerator * step.denominator // (denominator * step.numerator)

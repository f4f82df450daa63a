"""What to change about a plan: remedies that can all be taken together."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

from cadmonkey.training.recipe import Recipe
from cadmonkey.training.verdict import LEVELS, Finding, options_of, sum_up

MOST_ROUNDS = 30
"""Remedies that are tried one after the other; a plan that is not mended by then is not mended by fields."""

_ORDER = ("rows", "memory", "disk", "bits", "batch", "learning rate", "coverage", "steps", "decay", "warm-up")
"""What is mended first: how long a row is decides what fits, the batch how many steps cover the data."""

Judge = Callable[[Recipe], list[Finding]]


def settle(recipe: Recipe, judge: Judge) -> tuple[list[Finding], str]:
    """Return the findings of `recipe`, and the options that mend them together ("" where a stop would stay).

    Each remedy is worked out for the choices that the ones before it leave, as one changes what another has to be. A
    finding keeps its remedy, with the value that came out in the end, if that lessens it.
    """
    judge = cache(judge)  # of a sound plan, all that follows asks once
    found = judge(recipe)
    mended = _mend(recipe, judge)
    left = {finding.what: finding.level for finding in judge(mended)}
    changes = {name: value for name, value in vars(mended).items() if value != getattr(recipe, name)}
    settled = [_settled(finding, left.get(finding.what, "ok"), changes) for finding in found]
    passes = "stop" not in left.values() and sum_up(found) != "go"
    return settled, options_of(changes) if passes else ""


def _mend(recipe: Recipe, judge: Judge) -> Recipe:
    """Take one remedy after the other. A warning asks once, and for no field that a stop has set."""
    asked: set[tuple[str, str]] = set()
    by_stops: set[str] = set()
    for _ in range(MOST_ROUNDS):
        finding = next((f for f in _in_order(judge(recipe)) if _applies(f, asked, by_stops)), None)
        if finding is None:
            break
        if finding.level == "stop":
            by_stops |= finding.changes.keys()
        asked.add((finding.what, finding.field))
        recipe = replace(recipe, **finding.changes)
    return recipe


def _in_order(findings: list[Finding]) -> list[Finding]:
    return sorted((f for f in findings if f.changes and f.what in _ORDER), key=lambda f: _ORDER.index(f.what))


def _applies(finding: Finding, asked: set[tuple[str, str]], by_stops: set[str]) -> bool:
    if finding.level == "warn":
        return (finding.what, finding.field) not in asked and not finding.changes.keys() & by_stops
    return finding.level == "stop"


def _settled(finding: Finding, left: str, changes: dict[str, Any]) -> Finding:
    lessened = LEVELS.index(left) > LEVELS.index(finding.level)
    if not finding.changes:
        return finding
    if lessened and finding.field in changes:
        also = {name: changes[name] for name in finding.also if name in changes}
        return replace(finding, value=changes[finding.field], also=also)
    why = f"{finding.why}; no field mends it: take a smaller --base-model" if left == "stop" else finding.why
    return replace(finding, why=why, field="", value=None, also={})

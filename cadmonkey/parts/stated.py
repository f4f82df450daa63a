"""What a sentence states, as checks for the judge: every parameter that was said, and how it is measured."""

from collections.abc import Set
from typing import Any

from cadmonkey.parts.families import Draft
from cadmonkey.parts.measures import Measure


def stated_dimensions(draft: Draft, said: Set[str]) -> list[dict[str, Any]]:
    """Return {"kind", "name", "mm", "deg" or "count"} for every value that the sentence states and the judge measures.

    They are in the parameters' order; counts that the words tell by themselves stand behind them.
    """
    stated = [_dimension(name, draft) for name in draft.values if name in said and draft.kinds[name]]
    return [*stated, *({"kind": kind, "name": _called(kind), "count": count} for kind, count in draft.told.items())]


def _dimension(name: str, draft: Draft) -> dict[str, Any]:
    value = draft.values[name]
    number = {value.kind: round(value.mm, 6)} if isinstance(value, Measure) else {"count": value}
    kind, _, step = draft.kinds[name].partition(":")
    if step:
        return {"kind": kind, "name": _step_called(name, kind, step), "step": int(step), **number}
    return {"kind": kind, "name": _called(name), **number}


def _step_called(name: str, kind: str, step: str) -> str:
    """`d2` is the step 2 diameter; a step with a name of its own is called by it."""
    return f"step {step} {kind[5:]}" if name[1:] == step else _called(name)


def _called(name: str) -> str:
    """`hole_d` as people say it: hole diameter."""
    words = {"d": "diameter", "r": "radius", "center": "centre hole", "bolt": "bolt hole", "size": "side"}
    name = name.replace("bolt_circle", "bolt circle")
    return " ".join(words.get(word, word) for word in name.split("_"))

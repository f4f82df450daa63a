"""The grammars as GBNF, which llama.cpp reads: all that a context-free grammar can hold of them."""

from collections.abc import Iterator
from itertools import pairwise

from cadmonkey.cad.grammar import openscad
from cadmonkey.cad.grammar.automaton import Choice, Letters, Many, Part, Rule, Seq, Text, Token
from cadmonkey.cad.grammar.ir import REFERENCES
from cadmonkey.cad.ir.reader import ARITY

IR_LINES = 64
"""Nodes of a program in the grammar of Compact IR, which has a rule for each line."""
_NUMBERS = ['number ::= [0-9]+ ("." [0-9]*)? ("e-" [0-9]+)?', "whole ::= [0-9]+"]


def openscad_gbnf() -> str:
    """The grammar of OpenSCAD as our printer writes it: parameters, then shapes, flat ones within extrusions only."""
    head = "# OpenSCAD as CadMonkey writes it: parameters first, then the shapes. Made by cadmonkey.cad.grammar."
    rules = [f"{rule.name} ::= {_sequence(rule.body)}" for rule in _rules(openscad.PROGRAM)]
    return "\n".join([head, *rules, "name ::= [a-zA-Z_] [a-zA-Z0-9_]*", *_NUMBERS, ""])


def _rules(root: Rule) -> list[Rule]:
    """Every rule that `root` leads to, itself first."""
    found: dict[str, Rule] = {}
    waiting: list[Part] = [root]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Rule):
            if part.name not in found:
                found[part.name] = part
                waiting.append(part.body)
        else:
            waiting += reversed(list(_parts_of(part)))
    return list(found.values())


def _parts_of(part: Part) -> Iterator[Part]:
    match part:
        case Seq():
            yield from part.parts
        case Choice():
            yield from part.options
        case Many():
            yield part.part


def _sequence(part: Part) -> str:
    """A part where it need not stand in brackets."""
    if isinstance(part, Seq):
        return " ".join(filter(None, map(_sequence, _joined(part)))) if part.parts else ""
    if isinstance(part, Choice):
        return _bracketed(part)
    return _single(part)


def _single(part: Part) -> str:
    match part:
        case Text():
            return _quoted(part.text)
        case Letters():
            return f"{part.gbnf}*"
        case Token():
            return part.gbnf
        case Rule():
            return part.name
        case Many():
            return f"({_alternatives(part.part)})*"
    return ""


def _bracketed(choice: Choice) -> str:
    optional = any(not _sequence(option) for option in choice.options)
    return f"({_alternatives(choice)}){'?' if optional else ''}"


def _alternatives(part: Part) -> str:
    options = part.options if isinstance(part, Choice) else (part,)
    return " | ".join(filter(None, map(_sequence, options)))


def _joined(sequence: Seq) -> list[Part]:
    """The parts of a sequence, sequences in it opened."""
    return [inner for part in sequence.parts for inner in (_joined(part) if isinstance(part, Seq) else [part])]


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def ir_gbnf(lines: int = IR_LINES) -> str:
    """The grammar of Compact IR: exact arity, and a rule for each line, which may name the nodes above it."""
    head = (
        f"# Compact IR of CadMonkey, up to {lines} nodes: line k names nodes 0 to k - 1. Made by cadmonkey.cad.grammar."
    )
    free = [name for name in ARITY if _references_of(name) == 0 and name not in ("L", "A", "END", "SK")]
    rules = [
        "root ::= fineness* line-0",
        *(f"line-{k} ::= node-{k}{_next(k, lines)}" for k in range(lines)),
        "node-0 ::= free",
        *(f"node-{k} ::= free | {' | '.join(_naming(k))}" for k in range(1, lines)),
        *(f"below-{k} ::= {_below(k)}" for k in range(1, lines)),
        f"free ::= {' | '.join(_operation(name) for name in free)} | sketch",
        f'sketch ::= {_operation("SK")} "\\n" (edge "\\n")+ "END"',
        f"edge ::= {_operation('L')} | {_operation('A')}",
        'fineness ::= "M $f" [nas] " " number "\\n"',
        'signed ::= "-"? number',
    ]
    return "\n".join([head, *rules, *_NUMBERS, ""])


def _references_of(name: str) -> int:
    return sum(operand in REFERENCES for operand in ARITY[name].split())


def _next(line: int, lines: int) -> str:
    return f' ("\\n" line-{line + 1})?' if line + 1 < lines else ""


def _naming(line: int) -> Iterator[str]:
    """The operations of a line that name nodes above it; two different ones need two."""
    for name in ARITY:
        if name != "ROOT" and 0 < _references_of(name) <= line:
            yield _operation(name, f"below-{line}")


def _operation(name: str, reference: str = "") -> str:
    kinds = dict.fromkeys(REFERENCES, reference) | {"count": "whole", "ccw": "[01]"}
    operands = [f'" " {kinds.get(operand, "signed")}' for operand in ARITY[name].split()]
    return " ".join([f'"{name}"', *operands])


def _below(line: int) -> str:
    """The numbers below `line`, by ranges of their last digit."""
    tens = [*range(0, line, 10), line]
    return " | ".join(
        f"{_quoted(str(low // 10)) + ' ' if low else ''}[0-{high - low - 1}]" for low, high in pairwise(tens)
    )

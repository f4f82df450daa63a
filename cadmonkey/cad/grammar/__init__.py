"""Grammars of both notations, in two strengths.

`start(language)` is an automaton that reads a program letter by letter and always knows one correct way to end it:
names are declared, nodes used, loops bounded. `gbnf(language)` is what of that a context-free grammar can hold, for
llama.cpp and all that reads its GBNF.
"""

from typing import Literal, get_args

from cadmonkey.cad.grammar.automaton import State
from cadmonkey.cad.grammar.gbnf import ir_gbnf, openscad_gbnf
from cadmonkey.cad.grammar.ir import ir_start
from cadmonkey.cad.grammar.openscad import openscad_start

Language = Literal["openscad", "ir"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

__all__ = ["LANGUAGES", "Language", "State", "gbnf", "start"]


def start(language: Language) -> State:
    """The state before the first letter of a program."""
    return openscad_start() if language == "openscad" else ir_start()


def gbnf(language: Language) -> str:
    """The grammar as GBNF."""
    return openscad_gbnf() if language == "openscad" else ir_gbnf()

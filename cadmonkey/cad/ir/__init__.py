"""Compact IR: one operation a line, a node's number is its place among them.

`parse_ir` and `print_ir` are each other's inverse on the trees that the notation can say. `M` lines are metadata: kept
out of the tree, but `M $fn 48` (also `$fa`, `$fs`) sets the fineness of curves, which is otherwise 96 sides.
"""

from cadmonkey.cad.ir.printer import print_ir
from cadmonkey.cad.ir.reader import parse_ir
from cadmonkey.cad.program import LanguageError, NotationError

__all__ = ["LanguageError", "NotationError", "parse_ir", "print_ir"]

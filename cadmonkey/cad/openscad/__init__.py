"""OpenSCAD: the documented subset that people write, read and printed.

`parse_openscad` and `print_openscad` are each other's inverse on trees. What is read: `cube sphere cylinder
polyhedron`; `square circle polygon`; `translate rotate scale mirror multmatrix color`; `union difference intersection
hull`; `linear_extrude rotate_extrude offset`; variables, arithmetic, vectors, ranges, `for`, `if`, `module` and
`children()` without recursion. `echo` is passed over like a comment. Everything else is refused by name and line.
"""

from cadmonkey.cad.openscad.evaluator import parse_openscad
from cadmonkey.cad.openscad.printer import print_openscad
from cadmonkey.cad.program import LanguageError

__all__ = ["LanguageError", "parse_openscad", "print_openscad"]

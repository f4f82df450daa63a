"""A syntax tree to a `Program`: scopes, loops and modules, all bounded."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product

from cadmonkey.cad import csg
from cadmonkey.cad.openscad import syntax
from cadmonkey.cad.openscad.expressions import Expressions, Value, Variables, number, shown, truth
from cadmonkey.cad.openscad.modules import BOOLEANS, FINENESS, OPERATIONS, PRIMITIVES, Arguments, combine
from cadmonkey.cad.openscad.patterns import Patterns
from cadmonkey.cad.openscad.syntax import Block
from cadmonkey.cad.program import MAX_NODES, Facets, LanguageError, Parameter, Program
from cadmonkey.cad.quantity import Quantity

MAX_CALLS = 30
"""Modules within modules."""
_REFUSED = {
    "minkowski": "use hull() or offset()",
    "text": "fonts are not read",
    "projection": "draw the 2-D shape itself",
    "resize": "use scale() or the sizes themselves",
    "intersection_for": "use intersection() with its operands",
    "assign": "assign a variable instead",
    "let": "assign a variable instead",
    "assert": "a part checks nothing",
    "parent_module": "modules cannot look at each other",
}


def parse_openscad(code: str) -> Program:
    """Read OpenSCAD source.

    Raises:
        LanguageError: the line, and what is wrong or refused there.
    """
    try:
        return _program(syntax.parse(code))
    except RecursionError as error:
        raise LanguageError(1, "the program nests too deeply") from error


@dataclass(slots=True)
class Scope:
    """What a block sees: variables, modules, and the children of the module that it belongs to."""

    variables: Variables
    modules: dict[str, tuple[syntax.Module, "Scope"]] = field(default_factory=dict)
    children: tuple[csg.Node, ...] = ()

    def inner(self, variables: Variables) -> "Scope":
        """The scope of a block within this one."""
        return Scope({**self.variables, **variables}, dict(self.modules), self.children)


def _program(block: Block) -> Program:
    values: Variables = {"PI": Quantity(math.pi), "$fn": Quantity(0), "$fa": Quantity(12), "$fs": Quantity(2)}
    parameters = []
    builder = _Builder()
    for statement in _assignments(block):
        value = builder.expressions.evaluate(statement.value, values)
        values[statement.name] = _named(statement.name, value)
        if statement.name not in FINENESS and isinstance(value, Quantity):
            parameters.append(Parameter(statement.name, value, statement.comment))
    builder.facets = _fineness(values, 1)
    children = builder.block(block, Scope(values), assigned=True)
    return Program(csg.union(*children), tuple(parameters), builder.facets)


def _named(name: str, value: Value) -> Value:
    return Quantity.named(name, value) if isinstance(value, Quantity) and name not in FINENESS else value


def _fineness(variables: Variables, line: int) -> Facets:
    fineness = [number(variables[name], name, line) for name in FINENESS]
    if not all(map(math.isfinite, fineness)):
        raise LanguageError(line, "$fn, $fa, $fs: expected finite numbers")
    return Facets(*fineness)


def _assignments(block: Block) -> Iterator[syntax.Assignment]:
    """The block's assignments at the place of the first, with the value of the last, as OpenSCAD evaluates them."""
    last = {s.name: s for s in block if isinstance(s, syntax.Assignment)}
    seen: set[str] = set()
    for statement in block:
        if isinstance(statement, syntax.Assignment) and statement.name not in seen:
            seen.add(statement.name)
            yield last[statement.name]


@dataclass(slots=True)
class _Builder:
    """Builds nodes, and knows how much it has built."""

    facets: Facets = field(default_factory=Facets)
    expressions: Expressions = field(default_factory=Expressions)
    nodes: int = 0
    calls: int = 0

    def block(self, block: Block, scope: Scope, assigned: bool = False) -> list[csg.Node]:
        """The nodes of a block's statements, in order; `scope` is the block's own if it is `assigned`."""
        if not assigned and any(isinstance(s, syntax.Assignment | syntax.Module) for s in block):
            scope = scope.inner({})
        for statement in block:
            if isinstance(statement, syntax.Module):
                scope.modules[statement.name] = (statement, scope)
        for statement in () if assigned else _assignments(block):
            scope.variables[statement.name] = self.expressions.evaluate(statement.value, scope.variables)
        nodes: list[csg.Node] = []
        for statement in block:
            added = self.statement(statement, scope)
            _check_dimensions(nodes[:1] + added, statement.line)
            nodes += added
        return nodes

    def statement(self, statement: syntax.Statement, scope: Scope) -> list[csg.Node]:
        match statement:
            case syntax.If():
                test = self.expressions.evaluate(statement.test, scope.variables)
                return _grouped(self.block(statement.yes if truth(test) else statement.no, scope))
            case syntax.Instance():
                self.count(1, statement.line)
                return self.instance(statement, scope)
            case _:
                return []

    def count(self, nodes: int, line: int) -> None:
        self.nodes += nodes
        if self.nodes > MAX_NODES:
            raise LanguageError(line, f"the program builds more than {MAX_NODES} nodes")

    def instance(self, call: syntax.Instance, scope: Scope) -> list[csg.Node]:
        if call.name == "for":
            return self.loop(call, scope)
        if call.name in scope.modules:
            return self.module(call, scope)
        if call.name == "children":
            return self.children(call, scope)
        if call.name == "echo":
            return _grouped(self.block(call.children, scope))  # it says something and makes nothing
        if call.name in PRIMITIVES:
            if call.children:
                raise LanguageError(call.line, f"'{call.name}' takes no children")
            return [PRIMITIVES[call.name](self.arguments(call, scope)[0])]
        if call.name in BOOLEANS or call.name in OPERATIONS:
            arguments, inner = self.arguments(call, scope)
            children = self.block(call.children, inner)
            return [combine(arguments, children)] if children else []
        if call.name in _REFUSED:
            raise LanguageError(call.line, f"'{call.name}' is refused: {_REFUSED[call.name]}")
        raise LanguageError(call.line, f"unknown or unsupported module '{call.name}'")

    def arguments(self, call: syntax.Instance, scope: Scope) -> tuple[Arguments, Scope]:
        """The arguments of a call, and the scope of its children."""
        given = [(a.name, self.expressions.evaluate(a.value, scope.variables)) for a in call.arguments]
        arguments = Arguments(call, given)
        taken = arguments.take_fineness()
        inner = scope.inner(taken) if taken else scope
        arguments.fineness = _fineness(inner.variables, call.line)
        arguments.own = arguments.fineness != self.facets
        return arguments, inner

    def module(self, call: syntax.Instance, scope: Scope) -> list[csg.Node]:
        """Call a module of the file: it sees its own file's variables, and the caller's `$` variables."""
        module, home = scope.modules[call.name]
        self.calls += 1
        if self.calls > MAX_CALLS:
            raise LanguageError(call.line, f"modules call each other deeper than {MAX_CALLS} levels")
        special = {name: value for name, value in scope.variables.items() if name.startswith("$")}
        inner = home.inner(special)
        inner.variables.update(self.parameters(module, call, scope, home))
        inner.children = tuple(self.block(call.children, scope))
        inner.variables["$children"] = Quantity(len(inner.children))
        nodes = self.block(module.body, inner)
        self.calls -= 1
        return _grouped(nodes)

    def parameters(self, module: syntax.Module, call: syntax.Instance, scope: Scope, home: Scope) -> Variables:
        names = [name for name, _ in module.parameters]
        values: Variables = {}
        for name, default in module.parameters:
            values[name] = self.expressions.evaluate(default, home.variables) if default is not None else None
        position = 0
        for argument in call.arguments:
            if argument.name is None and position >= len(names):
                raise LanguageError(call.line, f"'{call.name}' takes {len(names)} arguments, got more")
            value = self.expressions.evaluate(argument.value, scope.variables)
            values[argument.name or names[position]] = value
            position += argument.name is None
        return values

    def children(self, call: syntax.Instance, scope: Scope) -> list[csg.Node]:
        """`children()`: those of the module's call; all, one by its index, or those of a list of indices."""
        if not self.calls:
            raise LanguageError(call.line, "'children' is refused outside of a module: no call has any to hand on")
        values = [self.expressions.evaluate(a.value, scope.variables) for a in call.arguments]
        wanted = values[0] if values else tuple(Quantity(i) for i in range(len(scope.children)))
        indices = wanted if isinstance(wanted, tuple) else (wanted,)
        chosen = []
        for item in indices:
            index = number(item, "children", call.line)
            if 0 <= index < len(scope.children):
                chosen.append(scope.children[int(index)])
        self.count(sum(1 for node in chosen for _ in csg.walk(node)), call.line)
        return _grouped(chosen)

    def loop(self, call: syntax.Instance, scope: Scope) -> list[csg.Node]:
        found = Patterns(lambda expression: self.expressions.evaluate(expression, scope.variables)).find(call)
        if found is not None:
            children = self.block(found.body, scope)
            return [found.build(csg.union(*children))] if children else []
        names = [argument.name or "" for argument in call.arguments]
        if not all(names):
            raise LanguageError(call.line, "expected for (name = values), got a value without a name")
        spans = [_items(self.expressions.evaluate(a.value, scope.variables), call.line) for a in call.arguments]
        if math.prod(len(span) for span in spans) > MAX_NODES:
            raise LanguageError(call.line, f"the loop runs more than {MAX_NODES} times")
        nodes: list[csg.Node] = []
        for combination in product(*spans):
            inner = scope.inner(dict(zip(names, combination, strict=True)))
            nodes += _grouped(self.block(call.children, inner))
        _check_dimensions(nodes, call.line)
        return _grouped(nodes)


def _items(value: Value, line: int) -> tuple[Value, ...]:
    if isinstance(value, tuple):
        return value
    raise LanguageError(line, f"expected a vector or range to loop over, got {shown(value)}")


def _check_dimensions(nodes: list[csg.Node], line: int) -> None:
    if len(nodes) > 1 and not csg.same_dimension(nodes):
        raise LanguageError(line, "2-D and 3-D shapes are mixed; extrude the 2-D ones first")


def _grouped(nodes: list[csg.Node]) -> list[csg.Node]:
    """Several nodes of one statement count as one operand of a boolean around them."""
    return [csg.union(*nodes)] if nodes else []

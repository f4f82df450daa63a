"""OpenSCAD source text to a syntax tree: a lexer and a recursive-descent parser."""

import re
from dataclasses import dataclass, field
from typing import NamedTuple, NoReturn

from cadmonkey.cad.program import MAX_SOURCE, LanguageError

MAX_DEPTH = 60
"""How deeply brackets, blocks and operators may nest."""


@dataclass(frozen=True, slots=True)
class Number:
    """A literal number."""

    line: int
    value: float


@dataclass(frozen=True, slots=True)
class Constant:
    """true, false, undef, or a string."""

    line: int
    value: bool | str | None


@dataclass(frozen=True, slots=True)
class Name:
    """A variable."""

    line: int
    name: str


@dataclass(frozen=True, slots=True)
class Unary:
    """`-x`, `+x` or `!x`."""

    line: int
    operator: str
    operand: "Expression"


@dataclass(frozen=True, slots=True)
class Binary:
    """`left operator right`."""

    line: int
    operator: str
    left: "Expression"
    right: "Expression"


@dataclass(frozen=True, slots=True)
class Conditional:
    """`test ? yes : no`."""

    line: int
    test: "Expression"
    yes: "Expression"
    no: "Expression"


@dataclass(frozen=True, slots=True)
class Vector:
    """`[a, b, c]`."""

    line: int
    items: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Range:
    """`[first : last]` or `[first : step : last]`."""

    line: int
    first: "Expression"
    step: "Expression | None"
    last: "Expression"


@dataclass(frozen=True, slots=True)
class Index:
    """`value[index]`, also `.x`, `.y`, `.z`."""

    line: int
    value: "Expression"
    index: "Expression"


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a call, named or positional."""

    line: int
    name: str | None
    value: "Expression"


@dataclass(frozen=True, slots=True)
class Call:
    """A function call inside an expression."""

    line: int
    name: str
    arguments: tuple[Argument, ...]


Expression = Number | Constant | Name | Unary | Binary | Conditional | Vector | Range | Index | Call


@dataclass(frozen=True, slots=True)
class Assignment:
    """`name = value;` and the `// comment` behind it."""

    line: int
    name: str
    value: Expression
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Instance:
    """`name(arguments) children`: a primitive, a transformation, a boolean, `for`, or a module of the file."""

    line: int
    name: str
    arguments: tuple[Argument, ...]
    children: "Block"


@dataclass(frozen=True, slots=True)
class If:
    """`if (test) yes else no`."""

    line: int
    test: Expression
    yes: "Block"
    no: "Block"


@dataclass(frozen=True, slots=True)
class Module:
    """`module name(parameters) body`."""

    line: int
    name: str
    parameters: tuple[tuple[str, Expression | None], ...]
    body: "Block"


Statement = Assignment | Instance | If | Module
Block = tuple[Statement, ...]


class _Token(NamedTuple):
    kind: str
    text: str
    line: int


_SPACE = " \t\r\f\ufeff"
_TOKEN = re.compile(
    rf"""[{_SPACE}]*(?:(?P<name>\$?[A-Za-z_]\w*)|(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<newline>\n)
    |(?P<line_comment>//[^\n]*)|(?P<comment>/\*.*?\*/)|(?P<unclosed>/\*)
    |(?P<operator><=|>=|==|!=|&&|\|\||[-+*/%^<>=!?:;,.()\[\]#{{}}])
    |(?P<string>"(?:\\.|[^"\\])*")|(?P<unknown>.))""",
    re.VERBOSE | re.DOTALL,
)
_REFUSED_WORDS = {
    "import": "files cannot be read",
    "include": "files cannot be read",
    "use": "files cannot be read",
    "surface": "files cannot be read",
    "function": "functions are outside the subset; compute the value in a variable",
    "let": "let is outside the subset; assign a variable instead",
    "each": "list comprehensions are outside the subset",
}
_LEVELS = (("||",), ("&&",), ("==", "!="), ("<", "<=", ">", ">="), ("+", "-"), ("*", "/", "%"))
_STRENGTH = {operator: level for level, operators in enumerate(_LEVELS) for operator in operators}
"""How tightly each operator of two operands binds."""


def _tokenize(source: str) -> list[_Token]:
    """Split `source` into tokens, comments and white space left out but for `// comments`.

    Raises:
        LanguageError: a character that OpenSCAD does not know, a comment without an end, or more than MAX_SOURCE
            characters.
    """
    if len(source) > MAX_SOURCE:
        raise LanguageError(1, f"expected at most {MAX_SOURCE} characters, got {len(source)}")
    tokens, line = [], 1
    for match in _TOKEN.finditer(source.rstrip(_SPACE)):
        kind = str(match.lastgroup)
        text = match[kind]
        if kind == "unknown":
            raise LanguageError(line, f"unexpected character {text!r}")
        if kind == "unclosed":
            raise LanguageError(line, "expected '*/' at the end of the comment, got none")
        if kind not in ("newline", "comment"):
            tokens.append(_Token(kind, text, line))
        if kind in ("newline", "comment", "string"):
            line += text.count("\n")
    return [*tokens, _Token("end", "end of file", line)]


@dataclass(slots=True)
class _Parser:
    """Reads one token list once, front to back."""

    tokens: list[_Token]
    position: int = 0
    depth: int = 0
    comments: dict[int, str] = field(default_factory=dict)
    current: _Token = field(init=False)

    def __post_init__(self) -> None:
        self.comments = {t.line: t.text[2:].strip() for t in self.tokens if t.kind == "line_comment"}
        self.tokens = [token for token in self.tokens if token.kind != "line_comment"]
        self.current = self.tokens[0]

    def advance(self) -> _Token:
        token = self.current
        if token.kind != "end":
            self.position += 1
            self.current = self.tokens[self.position]
        return token

    def accept(self, text: str) -> bool:
        """Take an operator or a word, if it is the next: no number or string, with its quotes, has such a text."""
        found = self.current.text == text
        if found:
            self.advance()
        return found

    def expect(self, text: str) -> _Token:
        token = self.current
        if not self.accept(text):
            self.fail(f"'{text}'")
        return token

    def expect_name(self) -> _Token:
        if self.current.kind != "name":
            self.fail("a name")
        return self.advance()

    def fail(self, expected: str) -> NoReturn:
        raise LanguageError(self.current.line, f"expected {expected}, got '{self.current.text}'")

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise LanguageError(self.current.line, f"nested deeper than {MAX_DEPTH} levels")

    def program(self) -> Block:
        statements: list[Statement] = []
        while self.current.kind != "end":
            statements.extend(self.statement())
        return tuple(statements)

    def statement(self) -> Block:
        """One statement; a bare `;` is none, a bare `{ … }` is its content."""
        self.deeper()
        try:
            if self.accept(";"):
                return ()
            if self.current.text == "{":
                return self.block()
            return (self.simple_statement(),)
        finally:
            self.depth -= 1

    def simple_statement(self) -> Statement:
        if self.current.text in ("#", "%", "!", "*"):
            raise LanguageError(self.current.line, f"the debug modifier '{self.current.text}' is outside the subset")
        token = self.expect_name()
        if token.text in _REFUSED_WORDS:
            raise LanguageError(token.line, f"'{token.text}' is refused: {_REFUSED_WORDS[token.text]}")
        if token.text == "module":
            return self.module(token)
        if token.text == "if":
            return self.condition(token)
        if self.accept("="):
            value = self.expression()
            end = self.expect(";")
            return Assignment(token.line, token.text, value, self.comments.get(end.line, ""))
        arguments = self.arguments()
        return Instance(token.line, token.text, arguments, self.statement())

    def block(self) -> Block:
        self.expect("{")
        statements: list[Statement] = []
        while not self.accept("}"):
            if self.current.kind == "end":
                self.fail("'}'")
            statements.extend(self.statement())
        return tuple(statements)

    def module(self, start: _Token) -> Module:
        name = self.expect_name().text
        self.expect("(")
        parameters = []
        while not self.accept(")"):
            parameter = self.expect_name().text
            parameters.append((parameter, self.expression() if self.accept("=") else None))
            if self.current.text != ")":
                self.expect(",")
        return Module(start.line, name, tuple(parameters), self.statement())

    def condition(self, start: _Token) -> If:
        self.expect("(")
        test = self.expression()
        self.expect(")")
        yes = self.statement()
        return If(start.line, test, yes, self.statement() if self.accept("else") else ())

    def arguments(self) -> tuple[Argument, ...]:
        self.expect("(")
        found = []
        while not self.accept(")"):
            line = self.current.line
            named = self.current.kind == "name" and self.tokens[self.position + 1].text == "="
            name = self.advance().text if named else None
            if named:
                self.advance()
            found.append(Argument(line, name, self.expression()))
            if self.current.text != ")":
                self.expect(",")
        return tuple(found)

    def expression(self) -> Expression:
        self.deeper()
        try:
            test = self.binary(0)
            if not self.accept("?"):
                return test
            yes = self.expression()
            self.expect(":")
            return Conditional(test.line, test, yes, self.expression())
        finally:
            self.depth -= 1

    def binary(self, least: int) -> Expression:
        """Operators that bind at least so tightly, and their operands."""
        left = self.unary()
        while (strength := _STRENGTH.get(self.current.text, -1)) >= least:
            token = self.advance()
            left = Binary(token.line, token.text, left, self.binary(strength + 1))
        return left

    def unary(self) -> Expression:
        token = self.current
        if token.kind == "operator" and token.text in ("-", "+", "!"):
            self.advance()
            self.deeper()
            operand = self.unary()
            self.depth -= 1
            return Unary(token.line, token.text, operand)
        return self.postfix()

    def postfix(self) -> Expression:
        value = self.atom()
        while self.current.text in ("[", "^", "."):
            token = self.advance()
            if token.text == "^":
                raise LanguageError(token.line, "'^' is outside the subset; multiply instead")
            if token.text == ".":
                axis = self.expect_name()
                if axis.text not in ("x", "y", "z"):
                    raise LanguageError(axis.line, f"expected .x, .y or .z, got '.{axis.text}'")
                value = Index(token.line, value, Number(token.line, "xyz".index(axis.text)))
            else:
                value = Index(token.line, value, self.expression())
                self.expect("]")
        return value

    def atom(self) -> Expression:
        token = self.advance()
        if token.kind == "number":
            return Number(token.line, float(token.text))
        if token.kind == "string":
            return Constant(token.line, token.text[1:-1])
        if token.kind == "name":
            return self.named(token)
        if token.text == "(":
            value = self.expression()
            self.expect(")")
            return value
        if token.text == "[":
            return self.bracket(token)
        raise LanguageError(token.line, f"expected a value, got '{token.text}'")

    def named(self, token: _Token) -> Expression:
        if token.text in ("true", "false"):
            return Constant(token.line, token.text == "true")
        if token.text == "undef":
            return Constant(token.line, None)
        if token.text in _REFUSED_WORDS:
            raise LanguageError(token.line, f"'{token.text}' is refused: {_REFUSED_WORDS[token.text]}")
        if self.current.text == "(":
            return Call(token.line, token.text, self.arguments())
        return Name(token.line, token.text)

    def bracket(self, start: _Token) -> Expression:
        if self.current.text == "for":
            raise LanguageError(start.line, "list comprehensions are outside the subset")
        items: list[Expression] = []
        while not self.accept("]"):
            items.append(self.expression())
            if len(items) == 1 and self.accept(":"):
                return self.range(start, items[0])
            if self.current.text != "]":
                self.expect(",")
        return Vector(start.line, tuple(items))

    def range(self, start: _Token, first: Expression) -> Range:
        second = self.expression()
        step, last = (second, self.expression()) if self.accept(":") else (None, second)
        self.expect("]")
        return Range(start.line, first, step, last)


def parse(source: str) -> Block:
    """The statements of a file.

    Raises:
        LanguageError: the line and what was expected there.
    """
    return _Parser(_tokenize(source)).program()

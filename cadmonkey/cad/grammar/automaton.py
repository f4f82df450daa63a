"""Automata that read a program letter by letter and at every letter know one way to end it.

A grammar is made of parts: texts, tokens, sequences, choices, repetitions and acts. An act looks at what was read so
far (declared names, values, nodes) and changes or refuses it, which is what no context-free grammar can do. The same
parts print as GBNF, without the acts.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple, final

MAX_LETTERS = 150_000
"""Longest text that is read; the parsers refuse a little more than that."""


@final
@dataclass(slots=True, eq=False)
class Text:
    """Exactly these letters."""

    text: str
    rest: "Text | None" = None
    """What remains after the first of them."""

    def __post_init__(self) -> None:
        self.rest = Text(self.text[1:]) if len(self.text) > 1 else None


@final
@dataclass(frozen=True, slots=True)
class Letters:
    """Any number of letters of one set; `gbnf` is that set as GBNF writes it."""

    letters: frozenset[str]
    gbnf: str

    def feed(self, known: Any, letter: str) -> Any:
        """As of a token."""
        return known if letter in self.letters else None

    def end(self, known: Any) -> Any:
        """As of a token."""
        return known


@final
@dataclass(frozen=True, slots=True, eq=False)
class Act:
    """Reads nothing; changes what is known, or returns None where the text cannot go on like this."""

    apply: Callable[[Any], Any]


@final
@dataclass(frozen=True, slots=True, eq=False)
class Token:
    """A word or number whose letters depend on what is known.

    Attributes:
        first: the letters it may begin with.
        gbnf: what it is without that knowledge.
        feed: (known, letter) -> known with one letter more, or None where the token cannot go on so.
        end: known -> known after the token, or None where it must not end yet.
        finish: known -> the missing letters and what is known after them, or None.
    """

    first: frozenset[str]
    gbnf: str
    feed: Callable[[Any, str], Any]
    end: Callable[[Any], Any]
    finish: Callable[[Any], tuple[str, Any] | None]


@final
@dataclass(frozen=True, slots=True, eq=False)
class Seq:
    """One part after the other."""

    parts: "tuple[Part, ...]"

    def pushed(self, below: "Stack") -> "Stack":
        """The stack with every part on it."""
        for part in reversed(self.parts):
            below = (part, below)
        return below

    def branches(self, stack: "Stack", letter: str) -> "tuple[Stack, ...]":
        """The one stack to go on with."""
        assert stack is not None
        return (self.pushed(stack[1]),)


@final
@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """One of several parts; a completion takes the one that `prefer` numbers."""

    options: "tuple[Part, ...]"
    prefer: Callable[[Any], int] = lambda known: 0
    table: "dict[str, tuple[Part, ...]]" = field(default_factory=dict)

    def options_for(self, letter: str) -> "tuple[Part, ...]":
        """The options that may begin with `letter`."""
        found = self.table.get(letter)
        if found is None:
            found = tuple(part for part in self.options if letter in first_letters(part) or is_empty(part))
            self.table[letter] = found
        return found

    def branches(self, stack: "Stack", letter: str) -> "tuple[Stack, ...]":
        """The stacks to go on with."""
        assert stack is not None
        return tuple((part, stack[1]) for part in self.options_for(letter))


@final
@dataclass(frozen=True, slots=True, eq=False)
class Many:
    """Any number of times; a completion takes none. What follows may begin alike only if it is `ambiguous`."""

    part: "Part"
    ambiguous: bool = False

    def branches(self, stack: "Stack", letter: str) -> "tuple[Stack, ...]":
        """Once more, or on to what follows."""
        assert stack is not None
        if letter not in first_letters(self.part):
            return (stack[1],)
        return ((self.part, stack), stack[1]) if self.ambiguous else ((self.part, stack),)


@final
@dataclass(slots=True, eq=False)
class Rule:
    """A part with a name, so that it may contain itself."""

    name: str
    part: "Part | None" = None

    @property
    def body(self) -> "Part":
        """What it stands for."""
        assert self.part is not None, self.name
        return self.part

    def branches(self, stack: "Stack", letter: str) -> "tuple[Stack, ...]":
        """The one stack to go on with."""
        assert stack is not None
        return ((self.body, stack[1]),)


Part = Text | Letters | Act | Token | Seq | Choice | Many | Rule
Stack = tuple[Part, "Stack"] | None
Thread = tuple[Stack, Any]


@cache
def first_letters(part: Part) -> frozenset[str]:
    """The letters that `part` may begin with."""
    match part:
        case Text():
            return frozenset(part.text[:1])
        case Letters():
            return part.letters
        case Token():
            return part.first
        case Choice():
            return frozenset[str]().union(*map(first_letters, part.options))
        case Many():
            return first_letters(part.part)
        case Seq():
            return _first_of_sequence(part)
        case Rule():
            return first_letters(part.body)
    return frozenset()


def _first_of_sequence(sequence: Seq) -> frozenset[str]:
    letters: frozenset[str] = frozenset()
    for part in sequence.parts:
        letters |= first_letters(part)
        if not is_empty(part):
            break
    return letters


def is_empty(part: Part) -> bool:
    """Whether `part` may read nothing at all."""
    match part:
        case Text():
            return not part.text
        case Token():
            return not part.first
        case Choice():
            return any(map(is_empty, part.options))
        case Seq():
            return all(map(is_empty, part.parts))
        case Rule():
            return is_empty(part.body)
    return True


class State(NamedTuple):
    """What has been read: every way to read it that is still open, and its length."""

    threads: tuple[Thread, ...]
    letters: int = 0

    def advance(self, piece: bytes) -> "State | None":
        """The state after `piece`, or None where the program cannot go on so; nothing leads nowhere."""
        threads: list[Thread] = list(self.threads)
        for letter in piece.decode("latin-1"):
            threads = [after for stack, known in threads for after in _feed(stack, known, letter)]
            if not threads:
                return None
        letters = self.letters + len(piece)
        return State(tuple(threads), letters) if letters <= MAX_LETTERS else None

    def completion(self) -> bytes | None:
        """Letters with which the program ends correctly, the fewest known; empty where it is complete.

        None would be a state without a way out. The acts are written so that there is none, and who generates asks all
        the same, so that an error in them refuses a token too many instead of a program.
        """
        found = [text for stack, known in self.threads if (text := _finish(stack, known)) is not None]
        return min(found, key=len).encode("latin-1") if found else None

    def ends_within(self, letters: int) -> bool:
        """Whether the program can be ended with so many letters."""
        endings = (_finish(stack, known) for stack, known in self.threads)
        return any(ending is not None and len(ending) <= letters for ending in endings)

    @property
    def is_complete(self) -> bool:
        """Whether the program may end here."""
        return any(_finish(stack, known) == "" for stack, known in self.threads)


def start(part: Part, known: Any) -> State:
    """The state before the first letter."""
    return State((((part, None), known),))


def _feed(stack: Stack, known: Any, letter: str) -> list[Thread]:
    """What becomes of one thread with one letter more; parts that read nothing are passed on the way."""
    while stack is not None:  # comparing types is several times faster than matching classes, and this is all the cost
        part, below = stack
        if type(part) is Text:
            if part.text[0] != letter:
                return []
            return [((part.rest, below) if part.rest else below, known)]
        if type(part) is Letters or type(part) is Token:
            after = part.feed(known, letter)
            if after is not None:
                return [(stack, after)]
            known = part.end(known)
        elif type(part) is Act:
            known = part.apply(known)
        else:
            branches = part.branches(stack, letter)
            if len(branches) != 1:
                return [after for branch in branches for after in _feed(branch, known, letter)]
            stack = branches[0]
            continue
        if known is None:
            return []
        stack = below
    return []


def _finish(stack: Stack, known: Any) -> str | None:
    """The letters that end this thread, or None where its acts refuse them."""
    letters = ""
    while stack is not None:
        part, stack = stack
        if type(part) is Letters or type(part) is Many:
            continue
        if type(part) is Text:
            letters += part.text
        elif type(part) is Seq:
            stack = part.pushed(stack)
        elif type(part) is Rule:
            stack = (part.body, stack)
        elif type(part) is Choice:
            stack = (part.options[part.prefer(known)], stack)
        elif type(part) is Token:
            finished = part.finish(known)
            if finished is None:
                return None
            letters, known = letters + finished[0], finished[1]
        else:
            known = part.apply(known)
            if known is None:
                return None
    return letters

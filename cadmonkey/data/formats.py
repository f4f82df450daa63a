"""The formats of outside data, told by their columns: each row is read as a conversation that ends with an answer."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from cadmonkey.data.chat import Message
from cadmonkey.errors import InputError

Cells = Mapping[str, Any]

PROMPT = "hey cadmonkey, create me a {name}"
"""How a part's name becomes a prompt, in the words of the original data sets."""

_ROLES = {"system": "system", "user": "user", "human": "user", "assistant": "assistant", "gpt": "assistant"}
"""Who speaks, as messages and as ShareGPT name them."""

_CHATML_TURN = re.compile(r"\s*<\|im_start\|>(\w+)\n(.*?)(?:<\|im_end\|>|\Z)\s*", re.DOTALL)
_CHATML_MARKS = re.compile(r"<\|im_(?:start|end)\|>")


@dataclass(frozen=True)
class Format:
    """One way to write a row."""

    name: str
    columns: tuple[str, ...]
    """What a row must have; more columns do no harm."""
    turns: Callable[[Cells], list[Message]]
    """Reads the turns of a row, checked for texts but not for their order."""

    def read(self, cells: Cells) -> list[Message]:
        """Return the conversation of a row: perhaps a system message, then user and assistant in turn, an answer last.

        A text in a column "system" stands before conversations that have no system message of their own.

        Raises:
            InputError: the row is no such conversation; the message says what was expected and got, not where.
        """
        turns = [{"role": turn["role"], "content": turn["content"].strip()} for turn in self.turns(cells)]
        system = cells.get("system")
        if isinstance(system, str) and system.strip() and turns and turns[0]["role"] != "system":
            turns.insert(0, {"role": "system", "content": system.strip()})
        _check_turns(turns)
        return turns


def find_format(source: str, columns: Iterable[str], prompt_column: str = "", completion_column: str = "") -> Format:
    """Return the format of a table with `columns`; those named by the caller come before all others.

    Raises:
        InputError: there is none.
    """
    found = set(columns)
    named = (prompt_column or "prompt", completion_column or "completion")
    formats = (_pair(" and ".join(named), *named),) if prompt_column or completion_column else _FORMATS
    for known in formats:
        if found.issuperset(known.columns):
            return known
    got = ", ".join(map(str, columns)) or "no rows"
    if prompt_column or completion_column:
        raise InputError(
            f"{source}: expected the columns {' and '.join(named)}, got {got}; check --prompt-column and "
            "--completion-column"
        )
    raise InputError(
        f"{source}: expected the columns prompt and completion (or messages, conversations, instruction and output, "
        f"name and code, text in ChatML), got {got}; rename the columns, or name "
        "them with --prompt-column and --completion-column"
    )


def _check_turns(turns: list[Message]) -> None:
    roles = [turn["role"] for turn in turns]
    spoken = roles[1:] if roles[:1] == ["system"] else roles
    if not spoken or len(spoken) % 2 or spoken != ["user", "assistant"] * (len(spoken) // 2):
        raise InputError(
            "expected turns of user and assistant one after the other (after a system message, if any) with an answer "
            f"at the end, got {', '.join(roles[:8]) or 'none'}{' …' if len(roles) > 8 else ''}"
        )
    for number, turn in enumerate(turns, start=1):
        if not turn["content"]:
            raise InputError(f"expected a text in every turn, got none in turn {number} ({turn['role']})")
        try:
            turn["content"].encode()
        except UnicodeEncodeError as error:
            raise InputError(f"expected Unicode text, got half a surrogate pair in turn {number}: {error}") from error


def _read_pair(cells: Cells, prompt_column: str, completion_column: str, wording: str) -> list[Message]:
    prompt, completion = cells.get(prompt_column), cells.get(completion_column)
    for value in (prompt, completion):
        if not isinstance(value, str) or not value.strip():
            got = json.dumps({name: cells.get(name) for name in (prompt_column, completion_column)}, default=str)
            raise InputError(f"expected a text in {prompt_column} and {completion_column}, got {got[:100]}")
    return _exchange(wording.format(name=str(prompt).strip()), str(completion))


def _exchange(question: str, answer: str) -> list[Message]:
    return [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]


def _read_alpaca(cells: Cells) -> list[Message]:
    """The input, where there is one, stands under the instruction after an empty line."""
    for name in ("instruction", "output"):
        if not isinstance(cells.get(name), str) or not cells[name].strip():
            raise InputError(f"expected a text in instruction and output, got {cells.get(name)!r} in {name}")
    given = cells.get("input")
    if given is not None and not isinstance(given, str):
        raise InputError(f"expected a text or nothing in input, got {str(given)[:60]!r}")
    question = "\n\n".join(text.strip() for text in (cells["instruction"], given) if text and text.strip())
    return _exchange(question, cells["output"])


def _read_turns(cells: Cells, column: str) -> list[Message]:
    """Read a list of {"role", "content"} or {"from", "value"}, which a CSV file holds as JSON."""
    turns = cells.get(column)
    if isinstance(turns, str):
        try:
            turns = json.loads(turns)
        except ValueError as error:
            raise InputError(f"expected a list of turns in {column}, got {turns[:60]!r}") from error
    if not isinstance(turns, list) or not turns:
        raise InputError(f"expected a list of turns in {column}, got {str(turns)[:60]!r}")
    return [_read_turn(turn, column) for turn in turns]


def _read_turn(turn: Any, column: str) -> Message:
    keys = ("from", "value") if isinstance(turn, Mapping) and "from" in turn else ("role", "content")
    speaker, content = (turn.get(key) if isinstance(turn, Mapping) else None for key in keys)
    if not isinstance(speaker, str) or not isinstance(content, str):
        raise InputError(
            f'expected turns like {{"role": "user", "content": "…"}} or {{"from": "human", "value": "…"}} in {column}, '
            f"got {json.dumps(turn, ensure_ascii=False, default=str)[:100]}"
        )
    return {"role": _role(speaker), "content": content}


def _role(speaker: str) -> str:
    if speaker not in _ROLES:
        raise InputError(f"expected turns of {', '.join(_ROLES)}, got one of {speaker!r}; tools cannot be learnt yet")
    return _ROLES[speaker]


def _read_chatml(cells: Cells) -> list[Message]:
    """Read `<|im_start|>role`, a new line, the content and `<|im_end|>` for every turn, and nothing in between."""
    text = cells.get("text")
    if not isinstance(text, str) or not text.strip():
        raise InputError(f"expected a text in text, got {text!r}")
    turns, position = [], 0
    while position < len(text):
        turn = _CHATML_TURN.match(text, position)
        if turn is None or _CHATML_MARKS.search(turn[2]):
            raise InputError(
                "expected ChatML in text (<|im_start|>user, a new line, the message, <|im_end|>), "
                f"got {text[position : position + 60]!r}; plain text has no prompt and no answer; "
                "columns of other names are named with --prompt-column and --completion-column"
            )
        turns.append({"role": _role(turn[1]), "content": turn[2]})
        position = turn.end()
    return turns


def _pair(name: str, prompt_column: str, completion_column: str, wording: str = "{name}") -> Format:
    columns = (prompt_column, completion_column)
    read = partial(_read_pair, prompt_column=prompt_column, completion_column=completion_column, wording=wording)
    return Format(name, columns, read)


_FORMATS = (
    Format("messages", ("messages",), partial(_read_turns, column="messages")),
    Format("ShareGPT", ("conversations",), partial(_read_turns, column="conversations")),
    _pair("prompt and completion", "prompt", "completion"),
    Format("Alpaca", ("instruction", "output"), _read_alpaca),
    _pair("name and code", "name", "code", PROMPT),
    Format("ChatML", ("text",), _read_chatml),
)

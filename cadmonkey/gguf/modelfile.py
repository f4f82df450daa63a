"""A Modelfile, with which Ollama runs the GGUF as it was trained."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cadmonkey.data.chat import Message, freeze_template, render_chat
from cadmonkey.errors import InputError
from cadmonkey.files import write_text
from cadmonkey.gguf.vocabulary import end_of_turn

_SYSTEM, _PROMPT, _ANSWER, _NEXT = (f"the-{what}-stands-here" for what in ("system", "prompt", "answer", "next-prompt"))

_GREEDY = ("temperature 0", "repeat_penalty 1")
"""What the proof holds for; Ollama's own penalty would change the answers even at temperature 0."""


def write_modelfile(path: Path, gguf_name: str, tokenizer: Any, n_ctx: int, system: str = "") -> None:
    """Write what Ollama needs to know of `gguf_name`, which lies beside `path`.

    `system` is the system message that every conversation of the training began with.
    """
    lines = [f"FROM ./{gguf_name}"]
    if tokenizer.chat_template:
        lines.append(f'TEMPLATE """{ollama_template(tokenizer)}"""')
    if system:
        # the Modelfile has no way to write three quotes
        lines.append(f'SYSTEM """{system.replace(_QUOTES, _SPACED_QUOTES)}"""')
    for stop in dict.fromkeys((end_of_turn(tokenizer), tokenizer.eos_token)):
        lines.append(f"PARAMETER stop {json.dumps(stop, ensure_ascii=False)}")
    lines += [f"PARAMETER {setting}" for setting in (*_GREEDY, f"num_ctx {n_ctx}")]
    write_text(path, "\n".join(lines) + "\n")


_QUOTES, _SPACED_QUOTES = '"""', '" " "'


def ollama_template(tokenizer: Any) -> str:
    """Return the chat template in Go's notation, which Ollama uses instead of Jinja.

    It is read off the texts that the template makes of marked messages, so it does not depend on how the template was
    written. A template that treats the first turn unlike the later ones becomes one for a single prompt.
    Ollama adds the BOS itself where the GGUF says so; it must not stand in the template a second time.

    Raises:
        InputError: the template writes the prompt other than once.
    """
    before, after = _around(tokenizer, [_say("user", _PROMPT)])
    opening = before
    if pieces := _try_around(tokenizer, [_say("system", _SYSTEM), _say("user", _PROMPT)]):
        first, then, last = pieces
        if last == after:
            opening = "{{ if .System }}" + first + "{{ .System }}" + then + "{{ else }}" + before + "{{ end }}"
    turns = [_say("user", _PROMPT), _say("assistant", _ANSWER), _say("user", _NEXT)]
    pieces = _try_around(tokenizer, turns)
    if not pieces or (pieces[0], pieces[-1]) != (before, after):
        return opening + "{{ .Prompt }}" + after
    _, answer_opens, answer_closes, _ = pieces
    return (
        opening
        + '{{ range .Messages }}{{ if eq .Role "user" }}{{ .Content }}{{ else if eq .Role "assistant" }}'
        + (answer_opens + "{{ .Content }}" + answer_closes + "{{ end }}{{ end }}" + after)
    )


def _say(role: str, content: str) -> Message:
    return {"role": role, "content": content}


def _try_around(tokenizer: Any, messages: Sequence[Message]) -> list[str]:
    """Return as `_around` does, or nothing where the template refuses or drops such messages."""
    try:
        return _around(tokenizer, messages)
    except InputError:
        return []


def _around(tokenizer: Any, messages: Sequence[Message]) -> list[str]:
    """Return what the template writes before, between and after the contents of `messages`, without the BOS."""
    bos_token = tokenizer.bos_token or ""
    text = render_chat(
        freeze_template(tokenizer.chat_template),
        messages,
        bos_token=bos_token,
        eos_token=tokenizer.eos_token,
        add_generation_prompt=True,
    ).removeprefix(bos_token)
    pieces = []
    for message in messages:
        if text.count(message["content"]) != 1:
            raise InputError(
                f"chat template: expected each message once and in order, got the {message['role']}'s "
                f"{text.count(message['content'])} times"
            )
        piece, _, text = text.partition(message["content"])
        pieces.append(_go_text(piece))
    return [*pieces, _go_text(text)]


def _go_text(text: str) -> str:
    """Quote text that Go's templates or the Modelfile would read as markup."""
    return "{{ " + json.dumps(text, ensure_ascii=False) + " }}" if "{{" in text or '"""' in text else text

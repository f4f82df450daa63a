"""A Modelfile, with which Ollama runs the GGUF as it was trained."""

import json
from pathlib import Path
from typing import Any

from cadmonkey.data.chat import freeze_template, render_chat, user_message
from cadmonkey.errors import InputError
from cadmonkey.files import write_text
from cadmonkey.gguf.vocabulary import end_of_turn

_MARK = "the-prompt-stands-here"


def write_modelfile(path: Path, gguf_name: str, tokenizer: Any) -> None:
    """Write what Ollama needs to know of `gguf_name`, which lies beside `path`."""
    lines = [f"FROM ./{gguf_name}"]
    if tokenizer.chat_template:
        lines.append(f'TEMPLATE """{ollama_template(tokenizer)}"""')
    for stop in dict.fromkeys((end_of_turn(tokenizer), tokenizer.eos_token)):
        lines.append(f"PARAMETER stop {json.dumps(stop, ensure_ascii=False)}")
    lines.append("PARAMETER temperature 0")
    write_text(path, "\n".join(lines) + "\n")


def ollama_template(tokenizer: Any) -> str:
    """Return the chat template in Go's notation, which Ollama uses instead of Jinja.

    Ollama adds the BOS itself where the GGUF says so; it must not stand in the template a second time.

    Raises:
        InputError: the template writes the prompt other than once.
    """
    bos_token = tokenizer.bos_token or ""
    text = render_chat(
        freeze_template(tokenizer.chat_template),
        user_message(_MARK),
        bos_token=bos_token,
        eos_token=tokenizer.eos_token,
        add_generation_prompt=True,
    )
    if text.count(_MARK) != 1:
        raise InputError(f"chat template: expected the prompt once, got it {text.count(_MARK)} times")
    before, after = (_go_text(part) for part in text.removeprefix(bos_token).split(_MARK))
    return before + "{{ .Prompt }}" + after


def _go_text(text: str) -> str:
    """Quote text that Go's templates or the Modelfile would read as markup."""
    return "{{ " + json.dumps(text, ensure_ascii=False) + " }}" if "{{" in text or '"""' in text else text

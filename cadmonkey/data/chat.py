"""The chat format, once, for all rooms: (prompt, completion) to text, to tokens and to labels."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Protocol

from cadmonkey.errors import InputError

NO_LOSS = -100
"""The label of a position that does not count in the loss (PyTorch's ignore_index)."""

FIXED_DATE = "26 Jul 2024"
"""What a template prints for today's date; the very words Llama 3.2's template falls back to without a clock."""

_DATE_CALL = re.compile(r"""strftime_now\(\s*(["']).*?\1\s*\)""")
_MARK = "the-completion-stands-here"


class ChatTokenizer(Protocol):
    """What the chat format needs of a Hugging Face tokenizer."""

    chat_template: Any
    bos_token: Any
    eos_token: Any

    @property
    def added_tokens_decoder(self) -> Mapping[int, Any]:
        """Id -> token with `.content` and `.special`."""

    def __hash__(self) -> int:
        """Identity, as tokenizers have it."""

    def __call__(self, text: str, *, add_special_tokens: bool) -> Any:
        """Return a mapping with `input_ids`."""


@dataclass(frozen=True)
class Example:
    """One training row: `input_ids` and `labels` of the same length, -100 where nothing is learnt."""

    input_ids: list[int]
    labels: list[int]


def render_chat(
    template: str, messages: list[dict[str, str]], *, bos_token: str, eos_token: str, add_generation_prompt: bool
) -> str:
    """Render `messages` as transformers' `apply_chat_template` does, but without a clock and without transformers.

    Raises:
        InputError: the template is no valid Jinja, or refuses these messages.
    """
    import jinja2

    try:
        rendered: str = _compile(template).render(
            messages=messages,
            tools=None,
            documents=None,
            bos_token=bos_token,
            eos_token=eos_token,
            add_generation_prompt=add_generation_prompt,
        )
        return rendered
    except jinja2.TemplateError as error:
        raise InputError(f"chat template: cannot render {len(messages)} message(s): {error}") from error


@lru_cache(maxsize=8)
def _compile(template: str) -> Any:
    from jinja2 import TemplateError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    def refuse(message: str) -> None:
        raise TemplateError(message)

    def to_json(value: Any, indent: int | None = None) -> str:
        return json.dumps(value, ensure_ascii=False, indent=indent)

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )
    environment.filters["tojson"] = to_json
    environment.globals["raise_exception"] = refuse
    return environment.from_string(template)


def freeze_template(template: str) -> str:
    """Write the date into `template`, so that llama.cpp, Ollama and transformers render the same bytes on any day."""
    return _DATE_CALL.sub(f'"{FIXED_DATE}"', template)


def user_message(prompt: str) -> list[dict[str, str]]:
    """Return the conversation a prompt is: one user message, nothing around it."""
    return [{"role": "user", "content": prompt.strip()}]


def end_token(tokenizer: ChatTokenizer) -> str:
    """Return the token with which the chat template ends the assistant's turn, `<|eot_id|>` or `<|im_end|>`.

    Raises:
        InputError: there is no template, or the turn does not end in one control token.
    """
    return _format(tokenizer, tokenizer.chat_template).end_token


def control_tokens(tokenizer: ChatTokenizer) -> dict[int, str]:
    """Return id -> text of the tokens that are markers rather than text."""
    return {number: str(token.content) for number, token in tokenizer.added_tokens_decoder.items() if token.special}


def control_token_in(tokenizer: ChatTokenizer, text: str) -> str:
    """Return the first control token spelled out in `text`, which would be read as a marker, or ""."""
    found = _format(tokenizer, tokenizer.chat_template).control.search(text)
    return found.group() if found else ""


def encode(tokenizer: ChatTokenizer, prompt: str, completion: str) -> Example:
    """Turn a row into tokens and labels: at most one BOS, no loss on the prompt, the end-of-turn token in the loss.

    Prompt and completion are tokenized apart, because the model meets their border just so when it generates.

    Raises:
        InputError: the text spells a control token, or the tokenizer's template does not fit.
    """
    chat = _format(tokenizer, tokenizer.chat_template)
    for text in (prompt, completion):
        if found := chat.control.search(text):
            raise InputError(f"{text[:60]!r} holds the control token {found.group()}; expected plain text")
    begin = prompt_ids(tokenizer, prompt)
    completion_ids = [*tokenizer(completion.strip(), add_special_tokens=False)["input_ids"], chat.end_id]
    return Example([*begin, *completion_ids], [NO_LOSS] * len(begin) + completion_ids)


def prompt_ids(tokenizer: ChatTokenizer, prompt: str) -> list[int]:
    """Return the tokens of `prompt` up to where the answer begins, as `encode` and a server write them."""
    text = _format(tokenizer, tokenizer.chat_template).prompt_text(prompt)
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids


@dataclass(frozen=True)
class _ChatFormat:
    template: str
    bos_token: str
    eos_token: str
    end_token: str
    end_id: int
    control: re.Pattern[str]

    def prompt_text(self, prompt: str) -> str:
        return render_chat(
            self.template,
            user_message(prompt),
            bos_token=self.bos_token,
            eos_token=self.eos_token,
            add_generation_prompt=True,
        )


@lru_cache(maxsize=8)
def _format(tokenizer: ChatTokenizer, template: Any) -> _ChatFormat:
    """Read the format off the tokenizer once; the template is part of the key because people replace it."""
    if not isinstance(template, str) or not template:
        raise InputError("the tokenizer has no chat template; expected one, as instruct models carry it")
    control = control_tokens(tokenizer)
    bos_token, eos_token = str(tokenizer.bos_token or ""), str(tokenizer.eos_token or "")
    prompt, after = _around_completion(template, bos_token, eos_token)
    ending = [(number, text) for number, text in control.items() if after.lstrip().startswith(text)]
    if not ending:
        raise InputError(f"chat template: expected a control token after the answer, got {after[:40]!r}")
    if bos_token and prompt.count(bos_token) > 1:
        raise InputError(f"chat template: expected one {bos_token} at most, got {prompt.count(bos_token)}")
    end_id, end = max(ending, key=lambda pair: len(pair[1]))
    pattern = re.compile("|".join(re.escape(text) for text in sorted(control.values(), key=len, reverse=True)))
    return _ChatFormat(template, bos_token, eos_token, end, end_id, pattern)


def _around_completion(template: str, bos_token: str, eos_token: str) -> tuple[str, str]:
    """Return what a template writes before and after an answer; both must agree with the generation prompt."""
    question = user_message("a question")
    answer = [{"role": "assistant", "content": _MARK}]
    render = partial(render_chat, template, bos_token=bos_token, eos_token=eos_token)
    prompt = render(question, add_generation_prompt=True)
    whole = render(question + answer, add_generation_prompt=False)
    if not whole.startswith(prompt + _MARK):
        raise InputError(
            "chat template: the generation prompt is not how an answer begins; "
            f"expected {prompt[-40:]!r} before the answer, got {whole.partition(_MARK)[0][-40:]!r}"
        )
    return prompt, whole.removeprefix(prompt + _MARK)

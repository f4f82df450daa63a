"""Whether the text that is trained on is the text that the server will send, byte for byte."""

from dataclasses import dataclass
from typing import Any

from cadmonkey.data.chat import NO_LOSS, Example, asked, conversation
from cadmonkey.training.examples import Row

MOST_LOOKED_AT = 500


@dataclass(frozen=True)
class Served:
    """What was compared, and the first thing that differed in words."""

    looked_at: int
    renderer: str
    """What renders the prompt when the model is served; "" where it is not installed."""
    other_prompt: str
    cut: str


def check_served(tokenizer: Any, rows: list[Row], examples: list[Example]) -> Served:
    """Compare the decoded prompts and completions of `examples` with `rows`, rendered as llama-cpp-python renders them.

    Examples are in the order of their rows, but rows may have been left out.
    """
    sample = examples[:MOST_LOOKED_AT]
    candidates = rows[: len(sample) + len(rows) - len(examples)]
    formatter = _formatter(tokenizer)
    prompts = {formatter(row) for row in candidates} if formatter else set()
    completions = {str(row["completion"]).strip() for row in candidates}
    other_prompt = cut = ""
    for example in sample:
        start = _answer_starts(example)
        prompt, answer = _decode(tokenizer, example.input_ids[:start]), _decode(tokenizer, example.input_ids[start:-1])
        if formatter and prompt not in prompts and not other_prompt:
            other_prompt = _difference(prompt, prompts)
        if answer not in completions and not cut:
            cut = f"a row's answer is {answer[:30]!r} … {answer[-30:]!r}, which no completion is"
    return Served(len(sample), "llama-cpp-python" if formatter else "", other_prompt, cut)


def _formatter(tokenizer: Any) -> Any:
    """Return row -> prompt text, by the very class that llama-cpp-python's server renders a GGUF's template with."""
    try:
        from llama_cpp.llama_chat_format import Jinja2ChatFormatter
    except (ImportError, OSError, RuntimeError):
        return None
    template = Jinja2ChatFormatter(
        template=tokenizer.chat_template, eos_token=tokenizer.eos_token or "", bos_token=tokenizer.bos_token or ""
    )
    return lambda row: str(template(messages=conversation(asked(row))).prompt)


def _answer_starts(example: Example) -> int:
    """Return where the last stretch of learnt tokens begins."""
    place = len(example.labels)
    while place and example.labels[place - 1] != NO_LOSS:
        place -= 1
    return place


def _decode(tokenizer: Any, ids: list[int]) -> str:
    return str(tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False))


def _difference(prompt: str, served: set[str]) -> str:
    """Say where `prompt` leaves the text that is most like it."""
    like = max(served, key=lambda text: _shared(text, prompt), default="")
    around = slice(max(0, _shared(like, prompt) - 20), _shared(like, prompt) + 20)
    return f"trained on {prompt[around]!r}, served {like[around]!r}"


def _shared(one: str, other: str) -> int:
    """Return how many characters the two begin with alike."""
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))

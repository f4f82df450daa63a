"""What the model answers while it trains, every control token spelled out: what a served model would hide."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from cadmonkey.data.chat import control_tokens, prompt_ids


@dataclass(frozen=True)
class Answer:
    """What the model wrote after one prompt."""

    prompt: str
    text: str
    """The answer before its end token, control tokens included."""
    tokens: int
    stopped: bool
    """True where it ended on the end token, False where it ran out of tokens."""
    control_tokens: tuple[str, ...]
    """Control tokens that it wrote before it stopped: headers, reserved tokens, the end of a document."""


def answer(
    model: Any, tokenizer: Any, prompts: list[str], *, max_new_tokens: int, temperature: float = 0.0, seed: int = 0
) -> list[Answer]:
    """Answer `prompts` in one batch with nothing masked; greedily at temperature 0, else from the whole vocabulary.

    The random state of the process is left as it was, so that a run with samples learns what one without them does.
    """
    import torch

    rows = [prompt_ids(tokenizer, prompt) for prompt in prompts]
    input_ids, mask = pad_left(rows, tokenizer.pad_token_id, model.get_input_embeddings().weight.device)
    sampling = {"do_sample": True, "temperature": temperature, "top_k": 0, "top_p": 1.0} if temperature else {}
    with evaluating(model), torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(seed)
        output = model.generate(
            input_ids=input_ids,
            attention_mask=mask,
            max_new_tokens=max_new_tokens,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
            use_cache=True,
            **({"do_sample": False} | sampling),
        )
    written = output[:, input_ids.shape[1] :].tolist()
    return [_read(tokenizer, prompt, tokens) for prompt, tokens in zip(prompts, written, strict=True)]


def pad_left(rows: list[list[int]], pad_id: int, device: Any) -> tuple[Any, Any]:
    """Return input_ids and attention_mask, (batch, seq) both, in which all rows end together."""
    import torch

    width = max(map(len, rows))
    input_ids = [[pad_id] * (width - len(row)) + row for row in rows]
    mask = [[0] * (width - len(row)) + [1] * len(row) for row in rows]
    return torch.tensor(input_ids, device=device), torch.tensor(mask, device=device)


@contextmanager
def evaluating(model: Any) -> Iterator[None]:
    """Switch dropout off, and back on if it was on."""
    training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(training)


def _read(tokenizer: Any, prompt: str, tokens: list[int]) -> Answer:
    end_id = tokenizer.eos_token_id
    stopped = end_id in tokens
    kept = tokens[: tokens.index(end_id)] if stopped else tokens
    control = control_tokens(tokenizer)
    return Answer(
        prompt=prompt,
        text=tokenizer.decode(kept),
        tokens=len(kept) + stopped,
        stopped=stopped,
        control_tokens=tuple(control[token] for token in kept if token in control),
    )

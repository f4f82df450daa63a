"""The gate on stopping: does the model want to stop where the held-out answers stop?"""

from collections.abc import Iterator
from typing import Any

from cadmonkey.data.chat import NO_LOSS, Example, control_tokens
from cadmonkey.training.samples import evaluating

_BATCH_ROWS, _BATCH_TOKENS = 16, 8192
"""What one forward pass takes: with a vocabulary of 128k, 8192 tokens are 2 GB of logits in bf16."""


def measure_end_token(model: Any, tokenizer: Any, examples: list[Example]) -> dict[str, Any]:
    """Return P(end token) at the gold ends of `examples`, what other control tokens take there, and token accuracy.

    Sampling hides untrained end tokens; the probability does not. Token accuracy is the share of the tokens in the
    loss that are the model's first choice.
    """
    import torch

    end_id = tokenizer.eos_token_id
    others = [number for number in control_tokens(tokenizer) if number != end_id]
    end, other = [], []
    right = counted = 0
    with evaluating(model), torch.no_grad():
        for logits, labels, ends in _predictions(model, tokenizer.pad_token_id, examples):
            learnt = labels != NO_LOSS
            right += int((logits.argmax(dim=-1) == labels)[learnt].sum())
            counted += int(learnt.sum())
            probability = torch.softmax(logits[range(len(ends)), ends].float(), dim=-1)
            end += probability[:, end_id].tolist()
            other += probability[:, others].sum(dim=-1).tolist()
    ordered = sorted(end)
    return {
        "end_token": tokenizer.eos_token,
        "rows": len(end),
        "mean": sum(end) / len(end),
        "p10": ordered[len(ordered) // 10],
        "min": ordered[0],
        "other_control_tokens_mean": sum(other) / len(other),
        "token_accuracy": right / max(1, counted),
    }


def _predictions(model: Any, pad_id: int, examples: list[Example]) -> Iterator[tuple[Any, Any, list[int]]]:
    """Yield logits (batch, seq, vocab), the labels (batch, seq) of what they predict, and where the answers end."""
    import torch

    device = model.get_input_embeddings().weight.device
    for batch in _batches(examples):
        width = max(len(example.input_ids) for example in batch)
        rest = [width - len(example.input_ids) for example in batch]
        pairs = list(zip(batch, rest, strict=True))
        input_ids = torch.tensor([example.input_ids + [pad_id] * pad for example, pad in pairs], device=device)
        labels = torch.tensor([example.labels + [NO_LOSS] * pad for example, pad in pairs], device=device)
        mask = torch.tensor([[1] * (width - pad) + [0] * pad for pad in rest], device=device)
        logits = model(input_ids=input_ids, attention_mask=mask).logits
        yield logits[:, :-1], labels[:, 1:], [len(example.input_ids) - 2 for example in batch]


def _batches(examples: list[Example]) -> Iterator[list[Example]]:
    """Yield `examples` in their order, as many at a time as a forward pass takes."""
    batch: list[Example] = []
    for example in examples:
        longest = max(len(one.input_ids) for one in [*batch, example])
        if batch and (len(batch) == _BATCH_ROWS or longest * (len(batch) + 1) > _BATCH_TOKENS):
            yield batch
            batch = []
        batch.append(example)
    yield batch

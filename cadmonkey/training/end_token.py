"""The gate after training: does the model want to stop where the held-out answers stop?"""

from collections.abc import Iterator
from typing import Any

from cadmonkey.data.chat import Example, control_tokens

_BATCH = 16


def measure_end_token(model: Any, tokenizer: Any, examples: list[Example]) -> dict[str, Any]:
    """Return P(end token) at the gold ends of `examples`, and how much probability other control tokens take there.

    Sampling hides untrained end tokens; the probability does not.
    """
    import torch

    end_id = tokenizer.eos_token_id
    others = [number for number in control_tokens(tokenizer) if number != end_id]
    model.eval()
    end, other = [], []
    for logits in _last_logits(model, tokenizer.pad_token_id, examples):
        probability = torch.softmax(logits.float(), dim=-1)
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
    }


def _last_logits(model: Any, pad_id: int, examples: list[Example]) -> Iterator[Any]:
    """Yield (batch, vocab) logits at the position before each example's last token."""
    import torch

    device = model.get_input_embeddings().weight.device
    for start in range(0, len(examples), _BATCH):
        rows = [example.input_ids[:-1] for example in examples[start : start + _BATCH]]
        width = max(map(len, rows))
        input_ids = torch.tensor([row + [pad_id] * (width - len(row)) for row in rows], device=device)
        mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows], device=device)
        with torch.no_grad():
            logits = model(input_ids=input_ids, attention_mask=mask).logits
        yield logits[torch.arange(len(rows), device=device), mask.sum(dim=1) - 1]

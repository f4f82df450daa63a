"""The last net under generation with transformers: stop at the end token and at reserved tokens."""

from typing import Any

from cadmonkey.data.chat import control_tokens


class ControlTokenStop:
    """A stopping criterion for `model.generate`: a row is done once its newest token is any control token.

    Answers are text, so a header, reserved or end token all mean that the answer is over.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._ids = sorted(control_tokens(tokenizer))

    def __call__(self, input_ids: Any, scores: Any, **kwargs: Any) -> Any:
        """Return a bool per row of `input_ids` (batch, seq)."""
        import torch

        return torch.isin(input_ids[:, -1], torch.tensor(self._ids, device=input_ids.device))


def stopping_criteria(tokenizer: Any) -> Any:
    """Return what to pass as `model.generate(stopping_criteria=...)`."""
    from transformers import StoppingCriteriaList

    return StoppingCriteriaList([ControlTokenStop(tokenizer)])

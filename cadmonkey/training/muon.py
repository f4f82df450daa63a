"""Muon for the matrices of a small model, AdamW for the rest, as one optimizer."""

from collections.abc import Callable
from typing import Any

import torch


class MuonAdamW(torch.optim.Optimizer):
    """Muon (Jordan et al. 2024) on the matrices inside a model, AdamW on its embedding, its head and its norms.

    Muon orthogonalises the momentum of a matrix before it takes the step, so that all directions of it learn, not only
    the loudest. The learning rates are scheduled together; neither falls faster than the other.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        *,
        lr: float,
        embedding_lr: float,
        weight_decay: float,
        betas: tuple[float, float] = (0.9, 0.98),
    ) -> None:
        """Sort the parameters of `model`.

        Args:
            model: its token embedding and its head are told by `embed` and `lm_head` in their names.
            lr: of the matrices, on the scale of AdamW's (Liu et al. 2025: updates of the same root mean square).
            embedding_lr: of all other parameters.
            weight_decay: of the matrices; the others have none.
            betas: AdamW's.
        """
        named = list(model.named_parameters())
        inner = [p for name, p in named if p.ndim == 2 and "embed" not in name and "lm_head" not in name]
        outer = [p for _, p in named if not any(p is matrix for matrix in inner)]
        self._parts: tuple[torch.optim.Optimizer, ...] = (
            torch.optim.Muon(inner, lr=lr, weight_decay=weight_decay, adjust_lr_fn="match_rms_adamw"),
            torch.optim.AdamW(outer, lr=embedding_lr, betas=betas, weight_decay=0.0),
        )
        super().__init__([{"params": inner}, {"params": outer}], {})
        self._share_groups()

    def _share_groups(self) -> None:
        # The parts read the very groups that a schedule writes to.
        self.param_groups = [group for part in self._parts for group in part.param_groups]

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Take one step with both."""
        for part in self._parts:
            part.step(closure)

    def state_dict(self) -> dict[str, Any]:
        """The state of both."""
        return {"parts": [part.state_dict() for part in self._parts]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up the state of both."""
        for part, state in zip(self._parts, state_dict["parts"], strict=True):
            part.load_state_dict(state)
        self._share_groups()

"""The course of the learning rate, once for the trainer and for the plan."""

from math import ceil
from typing import Any

from cadmonkey.training.recipe import Recipe


def warmup_steps(recipe: Recipe, steps: int) -> int:
    """Return the steps of linear warm-up in a run of `steps`: a share of them, or a number of at most a tenth."""
    if recipe.warmup_ratio > 0:
        return ceil(recipe.warmup_ratio * steps)
    return min(recipe.warmup_steps, steps // 10)


def scheduler_settings(recipe: Recipe) -> dict[str, Any]:
    """Return `lr_scheduler_type` and `lr_scheduler_kwargs` as TrainingArguments takes them.

    transformers.get_scheduler(type, optimizer, warm-up steps, steps, scheduler_specific_kwargs=kwargs) gives the same.
    """
    if recipe.min_lr_ratio > 0:
        return {
            "lr_scheduler_type": "cosine_with_min_lr",
            "lr_scheduler_kwargs": {"min_lr_rate": recipe.min_lr_ratio},
        }
    return {"lr_scheduler_type": recipe.lr_scheduler_type, "lr_scheduler_kwargs": {}}

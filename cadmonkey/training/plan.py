"""What a run will do, worked out before it starts: plan.json."""

from collections import Counter
from dataclasses import asdict, dataclass
from math import ceil
from typing import Any

from cadmonkey.training.engines import LORA_TARGETS, find_base
from cadmonkey.training.examples import Examples, Row
from cadmonkey.training.packing import fill_rows
from cadmonkey.training.processes import world_size
from cadmonkey.training.recipe import Recipe


@dataclass(frozen=True)
class Plan:
    """The figures of plan.json."""

    base_model: str
    engine: str
    rows: dict[str, int]
    """Rows by split, after leaving out."""
    rows_by_family: dict[str, int]
    """Rows to train on, by family or data set, before leaving out."""
    left_out: dict[str, int]
    """Rows left out, by reason."""
    tokens: int
    """Tokens of one epoch, without padding."""
    tokens_in_loss: int
    """Those of them that are learnt."""
    tokens_per_row: dict[str, int]
    """Percentiles of the row length."""
    effective_batch: int
    steps_per_epoch: int
    steps: int
    """Optimizer steps of the whole run."""
    warmup_steps: int
    epochs: float
    """Passes over the data that `steps` make; below 1, some rows are never seen."""
    trainable_parameters: int
    total_parameters: int

    def as_dict(self) -> dict[str, Any]:
        """Return the fields for plan.json."""
        return asdict(self)


def make_plan(recipe: Recipe, rows: list[Row], train: Examples, validation: Examples) -> Plan:
    """Work out tokens, steps and trainable parameters; the model is not loaded, only its config."""
    lengths = sorted(len(example.input_ids) for example in train.kept)
    rows_in_epoch = len(fill_rows(lengths, recipe.max_seq_length, recipe.seed)) if recipe.packing else len(lengths)
    steps_per_epoch = max(1, ceil(rows_in_epoch / (recipe.effective_batch * world_size())))
    steps = recipe.max_steps if recipe.max_steps > 0 else steps_per_epoch * recipe.num_train_epochs
    lora, total = count_parameters(recipe)
    return Plan(
        base_model=recipe.base_model,
        engine=recipe.engine,
        rows={"train": len(lengths), "validation": len(validation.kept)},
        rows_by_family=dict(Counter(str(row.get("family", "")) for row in rows).most_common()),
        left_out=dict(Counter(train.left_out) + Counter(validation.left_out)),
        tokens=sum(lengths),
        tokens_in_loss=sum(sum(label >= 0 for label in example.labels) for example in train.kept),
        tokens_per_row={name: percentile(lengths, share) for name, share in _PERCENTILES.items()},
        effective_batch=recipe.effective_batch * world_size(),
        steps_per_epoch=steps_per_epoch,
        steps=steps,
        warmup_steps=min(recipe.warmup_steps, steps // 10),
        epochs=round(steps / steps_per_epoch, 3),
        trainable_parameters=lora,
        total_parameters=total,
    )


_PERCENTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}


def percentile(ordered: list[int], share: float) -> int:
    """Return the smallest value that at least `share` of `ordered` does not exceed (nearest rank); 0 for none."""
    return ordered[max(0, ceil(share * len(ordered)) - 1)] if ordered else 0


def count_parameters(recipe: Recipe) -> tuple[int, int]:
    """Return (LoRA parameters, base parameters), counted on a model without memory."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(find_base(recipe.base_model)))
    lora = sum(
        recipe.lora_rank * (module.in_features + module.out_features)
        for name, module in model.named_modules()
        if name.rpartition(".")[2] in LORA_TARGETS
    )
    return lora, sum(parameter.numel() for parameter in model.parameters())

"""What a run will do, worked out before it starts: plan.json."""

import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from math import ceil
from pathlib import Path
from typing import Any, Literal

from cadmonkey.errors import InputError
from cadmonkey.training.cost import Device, disk_bytes, estimate_duration, find_device
from cadmonkey.training.examples import Examples, Row
from cadmonkey.training.memory import Work, estimate_memory, trained_parameters
from cadmonkey.training.models import Shape, read_shape
from cadmonkey.training.packing import fill_rows
from cadmonkey.training.processes import world_size
from cadmonkey.training.rates import learning_rates, negligible_share, rates_at_quarters
from cadmonkey.training.recipe import Recipe
from cadmonkey.training.remedies import settle
from cadmonkey.training.schedule import warmup_steps
from cadmonkey.training.verdict import Finding, Verdict, judge, sum_up

TokensFrom = Literal["tokenizer", "estimate"]


@dataclass(frozen=True)
class DataFigures:
    """What a plan has to know of the data."""

    lengths: Sequence[int]
    """Tokens of each row that is kept, in any order."""
    tokens_in_loss: int
    data_rows: int
    """Rows of the whole data, also those that a short run does not make or count."""
    validation_rows: int
    left_out: dict[str, int] = field(default_factory=dict)
    too_long: int = 0
    longest_row: int = 0
    """Tokens of the longest row, kept or not; 0 where that is not known."""
    rows_by_family: dict[str, int] = field(default_factory=dict)
    tokens_from: TokensFrom = "tokenizer"
    note: str = ""
    """What is not as it will be in the run."""


@dataclass(frozen=True)
class Plan:
    """The figures of plan.json."""

    base_model: str
    engine: str
    rows: dict[str, int]
    """Rows by split, after leaving out."""
    data_rows: int
    """Rows of the whole data, also those that a short run does not make."""
    rows_by_family: dict[str, int]
    """Rows to train on, by family or data set, before leaving out."""
    left_out: dict[str, int]
    """Rows left out, by reason."""
    too_long: int
    """Rows to train on that were left out for their length."""
    longest_row: int
    """Tokens of the longest row, also of those left out."""
    longest_kept: int
    tokens: int
    """Tokens of one epoch, without padding."""
    tokens_in_loss: int
    """Those of them that are learnt."""
    tokens_per_row: dict[str, int]
    """Percentiles of the row length."""
    tokens_from: TokensFrom
    """Counted with the model's tokenizer, or estimated because it is not at hand."""
    note: str
    packed_rows: int
    """Rows after packing; 0 without."""
    world_size: int
    """Processes that train together."""
    effective_batch: int
    """Rows of one optimizer step, all processes together."""
    steps_per_epoch: int
    steps: int
    """Optimizer steps of the whole run."""
    coverage_percent: float
    """Rows that `steps` see, of the whole data; above 100, rows are seen again."""
    epochs: float
    """The same as passes over the data."""
    peak_learning_rate: float
    learning_rates: dict[str, float]
    """At the first step, the last, and three between."""
    sum_of_learning_rates: float
    share_below_1_percent: float
    """Share of steps whose rate is below 1 % of the peak."""
    warmup_steps: int
    warmup_share: float
    trainable_parameters: int
    total_parameters: int
    vocab_size: int
    """Rows of the embedding; a tokenizer may have fewer tokens."""
    max_position_embeddings: int
    shape_from: str
    """Where the sizes of the model are from."""
    memory: dict[str, int]
    """Bytes by component, and their total."""
    device: dict[str, Any]
    fits: bool
    """Whether the memory is enough."""
    duration: dict[str, Any]
    """Seconds, tokens/s and where they are from."""
    disk: dict[str, int]
    """Bytes that the run writes, by component."""
    disk_free_bytes: int
    findings: list[Finding] = field(default_factory=list)
    verdict: Verdict = "go"
    remedy: str = ""
    """Options that mend together what the findings say; "" where no field does."""

    def as_dict(self) -> dict[str, Any]:
        """Return the fields for plan.json."""
        remedies = [{**finding.as_dict(), "remedy": finding.remedy} for finding in self.findings]
        return {**asdict(self), "findings": remedies}


def make_plan(
    recipe: Recipe, rows: list[Row], train: Examples, validation: Examples, out: Path = Path("outputs")
) -> Plan:
    """Work out a run from its rows; the model is not loaded, only its config."""
    return plan_run(recipe, figures_of(recipe, rows, train, validation), out)


def figures_of(recipe: Recipe, rows: list[Row], train: Examples, validation: Examples) -> DataFigures:
    """Return what the plan has to know of tokenized rows."""
    too_long = sum(count for reason, count in train.left_out.items() if reason.startswith("longer than"))
    lengths = [len(example.input_ids) for example in train.kept]
    return DataFigures(
        lengths=lengths,
        tokens_in_loss=sum(sum(label >= 0 for label in example.labels) for example in train.kept),
        data_rows=len(lengths) + recipe.own_parts - recipe.rows_to_make,
        validation_rows=len(validation.kept),
        left_out=dict(Counter(train.left_out) + Counter(validation.left_out)),
        too_long=too_long,
        longest_row=max(train.longest, max(lengths, default=0)),
        rows_by_family=dict(Counter(str(row.get("family", "")) for row in rows).most_common()),
    )


def plan_run(recipe: Recipe, data: DataFigures, out: Path, gpu_memory_gb: float | None = None) -> Plan:
    """Work out everything that follows from the choices and the data, and judge it."""
    _check_optimizer(recipe)
    shape, device = read_shape(recipe.base_model), find_device(gpu_memory_gb)

    def judged(choices: Recipe) -> list[Finding]:
        return judge(_figures(choices, _refit(data, recipe, choices), shape, device, out), choices, shape)

    findings, remedy = settle(recipe, judged)
    plan = _figures(recipe, data, shape, device, out)
    return replace(plan, findings=findings, verdict=sum_up(findings), remedy=remedy)


def _refit(data: DataFigures, recipe: Recipe, choices: Recipe) -> DataFigures:
    """Return the figures of `recipe` for other `choices`: rows that are let in again are taken to be as long as can be.

    Where the longest of all stays out, it is taken to be the only one.
    """
    most = choices.max_seq_length
    if data.too_long and most > recipe.max_seq_length:
        stays = int(most < data.longest_row)
        lengths = [*data.lengths, *[min(most, data.longest_row)] * (data.too_long - stays)]
        return replace(data, lengths=lengths, data_rows=data.data_rows + data.too_long - stays, too_long=stays)
    lengths = [length for length in data.lengths if length <= most]
    cut = len(data.lengths) - len(lengths)
    return replace(data, lengths=lengths, data_rows=data.data_rows - cut, too_long=data.too_long + cut)


def _check_optimizer(recipe: Recipe) -> None:
    from transformers.training_args import OptimizerNames

    names = [name.value for name in OptimizerNames]
    if recipe.optim not in names:
        raise InputError(f"--optim: expected one of {', '.join(names)}, got {recipe.optim}")


def _figures(recipe: Recipe, data: DataFigures, shape: Shape, device: Device, out: Path) -> Plan:
    lengths, processes = sorted(data.lengths), world_size()
    effective_batch = recipe.effective_batch * processes
    packed = len(fill_rows(data.lengths, recipe.max_seq_length, recipe.seed)) if recipe.packing else 0
    steps_per_epoch = max(1, ceil((packed or len(lengths)) / effective_batch))
    steps = recipe.max_steps if recipe.max_steps > 0 else steps_per_epoch * recipe.num_train_epochs
    epochs = _epochs(recipe, steps, effective_batch, data, packed)
    rates, warmup = learning_rates(recipe, steps), warmup_steps(recipe, steps)
    longest = recipe.max_seq_length if recipe.packing else max(lengths, default=0)
    memory = estimate_memory(recipe, shape, Work(recipe.per_device_train_batch_size, longest, device.on_gpu))
    tokens = sum(lengths)
    mean_tokens = tokens / max(1, len(lengths))
    existing = next(path for path in (out, *out.absolute().parents) if path.exists())
    return Plan(
        base_model=recipe.base_model,
        engine=recipe.engine,
        rows={"train": len(lengths), "validation": data.validation_rows},
        data_rows=data.data_rows,
        rows_by_family=data.rows_by_family,
        left_out=data.left_out,
        too_long=data.too_long,
        longest_row=data.longest_row,
        longest_kept=longest,
        tokens=tokens,
        tokens_in_loss=data.tokens_in_loss,
        tokens_per_row={name: percentile(lengths, share) for name, share in _PERCENTILES.items()},
        tokens_from=data.tokens_from,
        note=data.note,
        packed_rows=packed,
        world_size=processes,
        effective_batch=effective_batch,
        steps_per_epoch=steps_per_epoch,
        steps=steps,
        coverage_percent=round(100 * epochs, 1),
        epochs=round(epochs, 3),
        peak_learning_rate=max(rates),
        learning_rates=rates_at_quarters(rates),
        sum_of_learning_rates=sum(rates),
        share_below_1_percent=round(negligible_share(rates), 4),
        warmup_steps=warmup,
        warmup_share=round(warmup / steps, 4),
        trainable_parameters=trained_parameters(recipe, shape),
        total_parameters=shape.total_parameters,
        vocab_size=shape.vocab_size,
        max_position_embeddings=shape.max_position_embeddings,
        shape_from=shape.source,
        memory=memory.as_dict(),
        device=asdict(device),
        fits=memory.total <= device.memory_bytes,
        duration=estimate_duration(
            recipe, shape, epochs * data.data_rows * mean_tokens, device, processes, out
        ).as_dict(),
        disk=disk_bytes(recipe, shape),
        disk_free_bytes=shutil.disk_usage(existing).free,
    )


def _epochs(recipe: Recipe, steps: int, effective_batch: int, data: DataFigures, packed: int) -> float:
    """Return passes over the whole data; the last batch of an epoch may be short, whole epochs count as such."""
    if recipe.max_steps < 0:
        return float(recipe.num_train_epochs)
    rows_a_slot = len(data.lengths) / packed if packed else 1.0
    return steps * effective_batch * rows_a_slot / max(1, data.data_rows)


_PERCENTILES = {"p5": 0.05, "p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}


def percentile(ordered: list[int], share: float) -> int:
    """Return the smallest value that at least `share` of `ordered` does not exceed (nearest rank); 0 for none."""
    return ordered[max(0, ceil(share * len(ordered)) - 1)] if ordered else 0

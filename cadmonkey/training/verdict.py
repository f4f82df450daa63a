"""What is wrong with a plan: findings with a reason, and the field to change."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from dataclasses import field as dataclass_field
from math import ceil
from typing import TYPE_CHECKING, Any, Literal

from cadmonkey.training.cost import disk_bytes
from cadmonkey.training.memory import Work, estimate_memory
from cadmonkey.training.models import Shape
from cadmonkey.training.recipe import Recipe

if TYPE_CHECKING:
    from cadmonkey.training.plan import Plan

Level = Literal["ok", "warn", "stop"]
Verdict = Literal["go", "warn", "stop"]
LEVELS: tuple[Level, ...] = ("stop", "warn", "ok")
"""The gravest first."""

SMOKE_STEPS = 20
"""A run told to stop after so few steps tries the stages; whether it would learn is not asked."""

LEAST_COVERAGE, FULL_COVERAGE, MANY_EPOCHS, MOST_EPOCHS = 25.0, 95.0, 500.0, 5000.0
"""Percent of the data: below the first and above the last a run is stopped, outside the inner two it is warned."""

LOW_LORA_RATE, HIGH_LORA_RATE, HIGH_FULL_RATE = 1e-4, 1e-3, 1e-4
"""Usual peaks: 1e-4 to 2e-4 for LoRA (Hu 2021; Dettmers 2023), 1e-5 to 5e-5 for a whole model of over 1e8 weights."""

LEAST_TRAVEL = 0.02
"""Sum of the rates below which LoRA has hardly begun: AdamW moves a weight by about the rate, or less, each step."""

FEW_STEPS = 50
USUAL_EPOCHS = 3
LEAST_BATCH = 4
"""Rows of a batch that is made smaller for the sake of more steps."""
LEAST_BATCHES = ceil(100 * FEW_STEPS / MANY_EPOCHS)
"""Batches of an epoch below which FEW_STEPS are many epochs: no field mends that, only more rows do."""
_MORE_ROWS = {"datasets": "name more with --datasets", "own_parts": "raise --own-parts"}
SPENT_SHARE = 0.1
LONG_WARMUP = 0.2
SMALL_BATCH, MANY_ROWS = 16, 10_000
LEFT_OUT_SHARE = 0.02
MOST_LEFT_OUT = 0.5
"""From this share of left-out rows on a run is not what it was meant to be; the preflight stops there too."""
LONG_RUN_H = 24.0
ROOMY = 0.8
"""A model that fits into this share of the memory in 16 bits has no need of fewer."""


@dataclass(frozen=True)
class Finding:
    """One look at the plan."""

    level: Level
    what: str
    why: str
    field: str = ""
    """The recipe's field to change; "" where there is nothing to change."""
    value: Any = None
    """What to set it to; None where that is not for a plan to say, but `why` does."""
    also: dict[str, Any] = dataclass_field(default_factory=dict)
    """Other fields that have to change with it."""

    def as_dict(self) -> dict[str, Any]:
        """Return the fields for plan.json."""
        return asdict(self)

    @property
    def changes(self) -> dict[str, Any]:
        """Every field to change, and what to set it to."""
        return {self.field: self.value, **self.also} if self.field and self.value is not None else {}

    @property
    def remedy(self) -> str:
        """The options to add on the command line."""
        return options_of(self.changes)


def options_of(changes: dict[str, Any]) -> str:
    """Return fields of a recipe as options on the command line."""
    return " ".join(_option(f"-{name.replace('_', '-')}", value) for name, value in changes.items())


def _option(flag: str, value: Any) -> str:
    if isinstance(value, bool):
        return f"-{flag}" if value else f"--no{flag}"
    if isinstance(value, tuple):
        return f"-{flag} {' '.join(map(str, value))}"
    return f"-{flag} {value:.6g}" if isinstance(value, float) else f"-{flag} {value}"


def judge(plan: "Plan", recipe: Recipe, shape: Shape) -> list[Finding]:
    """Return every finding, the gravest first; a smoke test is stopped by what it has no room for alone."""
    smoke = is_smoke_test(recipe)
    found = [*_resources(plan, recipe, shape), *_left_out(plan, recipe)]
    if smoke:
        found.append(Finding("ok", "smoke test", f"{plan.steps} steps try the stages and teach nothing"))
    elif plan.rows["train"]:
        found += [_coverage(plan, recipe), *_rates(plan, recipe), *_steps(plan, recipe)]
    return sorted(found, key=lambda finding: LEVELS.index(finding.level))


def is_smoke_test(recipe: Recipe) -> bool:
    """True for a run that was told to stop after a few steps."""
    return 0 < recipe.max_steps <= SMOKE_STEPS


def sum_up(findings: list[Finding]) -> Verdict:
    """Return the gravest level, "go" where nothing is wrong."""
    levels = {finding.level for finding in findings}
    return "stop" if "stop" in levels else "warn" if "warn" in levels else "go"


def _coverage(plan: "Plan", recipe: Recipe) -> Finding:
    seen, percent = plan.steps * plan.effective_batch, plan.coverage_percent
    rows = f"{plan.steps:,} steps x {plan.effective_batch} rows = {seen:,} of {plan.data_rows:,}"
    words = f"{rounded(percent)} % of the data: {rows}"
    if plan.packed_rows:
        words += f" rows packed into {plan.packed_rows:,}"
    level: Level
    if percent < FULL_COVERAGE:
        level = "stop" if percent < LEAST_COVERAGE else "warn"
        why = f"{words}; what the model never sees it cannot learn. A larger batch or fewer rows do it too"
        return Finding(level, "coverage", why, "max_steps", _one_epoch(plan))
    if percent > MANY_EPOCHS:
        why = (
            f"{words}, {rounded(plan.epochs)} epochs: many; the model may learn rows by heart. "
            "Watch the held-out loss, or add --early-stopping-patience 3"
        )
        field, value, batch = _fewer(plan, recipe)
        level = "stop" if percent > MOST_EPOCHS else "warn"
        if _has_few_rows(plan):
            why += f". {_more_rows(plan, recipe)}"
        return Finding(level, "coverage", why, field or _data_field(recipe), value, batch)
    return Finding("ok", "coverage", f"{words}, {rounded(plan.epochs)} epochs")


def rounded(figure: float) -> str:
    """Return a percentage or a count of epochs in digits: 0.089, 8.9, 711, 77,108."""
    return f"{figure:,.0f}" if figure >= 10 else f"{figure:.2g}"


def _one_epoch(plan: "Plan") -> int:
    """Steps that see the whole data, also the own parts that a short run does not make."""
    return plan.steps_per_epoch if plan.packed_rows else ceil(plan.data_rows / plan.effective_batch)


def _fewer(plan: "Plan", recipe: Recipe) -> tuple[str, int | None, dict[str, Any]]:
    """Return the field and the value that bring a run of many epochs down to three, or to the fewest sound steps.

    Where so few steps are still many epochs, the batch has to be smaller too: those fields are the third.
    """
    slots, batch = plan.packed_rows or plan.data_rows, plan.effective_batch
    smaller: dict[str, Any] = {}
    if 100 * ceil(FEW_STEPS / _one_epoch(plan)) > MANY_EPOCHS:
        a_device = _rows_a_device(plan, recipe)
        smaller = {"per_device_train_batch_size": a_device, "gradient_accumulation_steps": 1}
        batch = a_device * plan.world_size
    one_epoch = ceil(slots / batch)
    epochs = max(USUAL_EPOCHS, ceil(FEW_STEPS / one_epoch))
    # Where no batch makes the epochs few, there is no whole one too much.
    steps = epochs * one_epoch if 100 * epochs <= MANY_EPOCHS else FEW_STEPS
    if batch == plan.effective_batch and steps >= plan.steps:
        return "", None, {}
    return ("max_steps", steps, smaller) if recipe.max_steps > 0 else ("num_train_epochs", epochs, smaller)


def _more(plan: "Plan", recipe: Recipe, steps: int) -> tuple[str, int | None]:
    """Return the field and the value for a run of at least `steps`, or nothing if these are too many epochs."""
    epochs = ceil(steps / _one_epoch(plan))
    if 100 * steps / _one_epoch(plan) > MANY_EPOCHS or 100 * epochs > MANY_EPOCHS:
        return "", None
    return ("max_steps", steps) if recipe.max_steps > 0 else ("num_train_epochs", epochs)


def _data_field(recipe: Recipe) -> str:
    return "own_parts" if recipe.own_parts and not recipe.datasets else "datasets"


def _has_few_rows(plan: "Plan") -> bool:
    """True where FEW_STEPS are many epochs whatever the batch."""
    return (plan.packed_rows or plan.data_rows) < LEAST_BATCHES * plan.world_size


def _more_rows(plan: "Plan", recipe: Recipe) -> str:
    """Say how many rows it takes, and where they are named."""
    rows = "rows to train on" + (f", of {recipe.max_seq_length} tokens," if plan.packed_rows else "")
    least = f"{LEAST_BATCHES * plan.world_size} {rows} are the fewest for {FEW_STEPS} steps without many epochs"
    return f"{least}: {_MORE_ROWS[_data_field(recipe)]}"


def _rates(plan: "Plan", recipe: Recipe) -> Iterator[Finding]:
    yield _peak(plan, recipe)
    last = plan.learning_rates["100 %"]
    if plan.share_below_1_percent > SPENT_SHARE:
        why = f"{plan.share_below_1_percent:.0%} of the steps run below 1 % of the peak rate and change nothing"
        field, value = (
            ("min_lr_ratio", 0.1) if recipe.lr_scheduler_type == "cosine" else ("lr_scheduler_type", "cosine")
        )
        yield Finding("warn", "decay", why, field, value)
    elif plan.peak_learning_rate and last < 1e-4 * plan.peak_learning_rate and _is_low(recipe):
        why = f"the low rate falls on to {last:.2g}: the last quarter of the run teaches next to nothing"
        yield Finding("warn", "decay", why, "min_lr_ratio", 0.1)
    else:
        share = f"{plan.share_below_1_percent:.1%} of the steps below 1 % of the peak"
        yield Finding("ok", "decay", f"{recipe.lr_scheduler_type} to {last:.2g}, {share}")
    if plan.warmup_share > LONG_WARMUP:
        why = f"{plan.warmup_steps} of {plan.steps} steps, {plan.warmup_share:.0%}, only climb to the peak rate"
        yield Finding("warn", "warm-up", why, "warmup_ratio", 0.1)


def _is_low(recipe: Recipe) -> bool:
    return not recipe.full_finetuning and recipe.learning_rate < LOW_LORA_RATE


def _peak(plan: "Plan", recipe: Recipe) -> Finding:
    rate, travel = recipe.learning_rate, plan.sum_of_learning_rates
    if _is_low(recipe) and travel < LEAST_TRAVEL:
        why = (
            f"a peak of {rate:g} is low for LoRA (usual: 1e-4 to 2e-4), and over {plan.steps:,} steps the rates add up "
            f"to {travel:.2g}: no weight can move much further than that"
        )
        return Finding("warn", "learning rate", why, "learning_rate", 2e-4)
    if not recipe.full_finetuning and travel < LEAST_TRAVEL:
        why = f"over {plan.steps:,} steps the rates add up to {travel:.2g}: no weight can move much further than that"
        times = LEAST_TRAVEL / max(travel, 1e-12)
        field, value = _more(plan, recipe, ceil(1.05 * times * plan.steps))
        if field:
            return Finding("warn", "learning rate", why, field, value)
        faster = 1.05 * times * rate
        if faster > HIGH_LORA_RATE:
            return Finding("warn", "learning rate", why)
        return Finding("warn", "learning rate", why, "learning_rate", faster)
    highest = HIGH_FULL_RATE if recipe.full_finetuning and plan.total_parameters > 1e8 else HIGH_LORA_RATE
    if rate > highest:
        why = f"a peak of {rate:g} is high for {'a whole model' if recipe.full_finetuning else 'LoRA'}: it may diverge"
        return Finding("warn", "learning rate", why, "learning_rate", highest / 5)
    return Finding("ok", "learning rate", f"peak {rate:g}, the rates add up to {travel:.2g}")


def _steps(plan: "Plan", recipe: Recipe) -> Iterator[Finding]:
    if plan.steps < FEW_STEPS:
        yield _few_steps(plan, recipe)
    if plan.effective_batch < SMALL_BATCH and plan.data_rows > MANY_ROWS:
        why = f"{plan.effective_batch} rows a step of {plan.data_rows:,}: noisy gradients, and little of the data seen"
        value = ceil(2 * SMALL_BATCH / (recipe.per_device_train_batch_size * plan.world_size))
        yield Finding("warn", "batch", why, "gradient_accumulation_steps", value)


def _few_steps(plan: "Plan", recipe: Recipe) -> Finding:
    why = f"{plan.steps} steps are few to learn from"
    if _has_few_rows(plan):
        return Finding("warn", "steps", f"{why}. {_more_rows(plan, recipe)}", _data_field(recipe))
    field, value = _more(plan, recipe, FEW_STEPS)
    if not field:
        field, value = _smaller_batch(plan, recipe)
    return Finding("warn", "steps", why, field, value)


def _smaller_batch(plan: "Plan", recipe: Recipe) -> tuple[str, int | None]:
    """Return the field and the value that make more steps of the same rows."""
    if recipe.gradient_accumulation_steps > 1:
        return "gradient_accumulation_steps", 1
    a_device = _rows_a_device(plan, recipe)
    return ("per_device_train_batch_size", a_device) if a_device < recipe.per_device_train_batch_size else ("", None)


def _rows_a_device(plan: "Plan", recipe: Recipe) -> int:
    """Return the rows of a batch, on each device, of which FEW_STEPS are not many epochs; 1 where there is none."""
    most = (plan.packed_rows or plan.data_rows) // (LEAST_BATCHES * plan.world_size)
    return max(1, min(recipe.per_device_train_batch_size, LEAST_BATCH, most))


def _left_out(plan: "Plan", recipe: Recipe) -> Iterator[Finding]:
    left_out, kept = sum(plan.left_out.values()), plan.rows["train"]
    most = plan.max_position_embeddings
    value = min(plan.longest_row, most)
    field = "max_seq_length" if value > recipe.max_seq_length else ""
    room = "" if field else f"; the model has room for {most} tokens: shorten or split the rows"
    if kept == 0 and plan.longest_row:
        yield Finding("stop", "rows", f"no row to train on, {left_out} left out{room}", field, value)
    elif kept == 0:
        yield Finding("stop", "rows", "no row to train on; name some with --datasets or --own-parts")
    elif mostly_left_out(plan):
        reasons = {reason: count for reason, count in plan.left_out.items() if not _is_length(reason)}
        if plan.too_long:
            reasons[f"longer than {recipe.max_seq_length} tokens"] = plan.too_long
        words = ", ".join(f"{count:,} {reason}" for reason, count in reasons.items())
        most_gone = f"most rows are left out ({words}), {kept:,} are kept"
        yield Finding("stop", "rows", f"{most_gone}{room if plan.too_long else ''}", field, value)
    elif plan.too_long > LEFT_OUT_SHARE * (plan.too_long + kept):
        rows = f"{plan.too_long} of {plan.too_long + kept} rows"
        why = f"{rows} are longer than {recipe.max_seq_length} tokens and left out{room}"
        yield Finding("warn", "rows", why, field, value)
    elif left_out:
        yield Finding("ok", "rows", f"{left_out} left out of {left_out + kept}: {plan.left_out}")


def mostly_left_out(plan: "Plan") -> bool:
    """True where more rows are left out, for whatever reason, than a run can do without."""
    others = sum(count for reason, count in plan.left_out.items() if not _is_length(reason))
    left_out = plan.too_long + others
    return left_out > MOST_LEFT_OUT * (left_out + plan.rows["train"])


def _is_length(reason: str) -> bool:
    return reason.startswith("longer than")


def _resources(plan: "Plan", recipe: Recipe, shape: Shape) -> Iterator[Finding]:
    yield _memory(plan, recipe, shape)
    yield from _bits(plan, recipe, shape)
    if plan.disk["total"] > plan.disk_free_bytes:
        yield _disk(plan, recipe, shape)
    hours = plan.duration["seconds"] / 3600
    if hours > LONG_RUN_H:
        yield Finding("warn", "time", f"about {hours:.0f} h ({plan.duration['source']})")


def _disk(plan: "Plan", recipe: Recipe, shape: Shape) -> Finding:
    needed, free = plan.disk["total"], plan.disk_free_bytes
    why = f"needs about {_gb(needed)}, {_gb(free)} are free; free some, or --out on another disk"
    smallest = min(recipe.quants, key=lambda quant: disk_bytes(replace(recipe, quants=(quant,)), shape)["gguf"])
    fewer = disk_bytes(replace(recipe, quants=(smallest,)), shape)["total"]
    if fewer > free:
        return Finding("stop", "disk", f"{why}, or a smaller --base-model")
    return Finding("stop", "disk", f"{why}, or fewer files:", "quants", (smallest,))


def _memory(plan: "Plan", recipe: Recipe, shape: Shape) -> Finding:
    needed, room = plan.memory["total"], plan.device["memory_bytes"]
    words = f"about {_gb(needed)} of {_gb(room)} ({plan.device['name']})"
    if needed <= room:
        return Finding("ok", "memory", words)
    on_gpu, length = plan.device["on_gpu"], plan.longest_kept
    batch = recipe.per_device_train_batch_size
    while batch > 1 and estimate_memory(recipe, shape, Work(batch, length, on_gpu)).total > room:
        batch //= 2
    if estimate_memory(recipe, shape, Work(batch, length, on_gpu)).total <= room:
        times = {"gradient_accumulation_steps": ceil(recipe.effective_batch / batch)}
        why = f"{words}; a smaller batch with more accumulation learns the same"
        return Finding("warn", "memory", why, "per_device_train_batch_size", batch, times)
    if not recipe.gradient_checkpointing:
        return Finding("stop", "memory", f"{words}, even with a batch of 1", "gradient_checkpointing", True)
    if recipe.full_finetuning:
        return Finding("stop", "memory", f"{words}, even with a batch of 1", "full_finetuning", False)
    if not recipe.load_in_4bit:
        other = {"load_in_8bit": False} if recipe.load_in_8bit else {}
        return Finding("stop", "memory", f"{words}, even with a batch of 1", "load_in_4bit", True, other)
    why, most = f"{words}, even with a batch of 1; take a smaller --base-model", plan.tokens_per_row["p90"]
    if most >= length:
        return Finding("stop", "memory", why)
    return Finding("stop", "memory", f"{why}, or leave the longest tenth of the rows out:", "max_seq_length", most)


def _bits(plan: "Plan", recipe: Recipe, shape: Shape) -> Iterator[Finding]:
    """Fewer bits than needed cost accuracy: the adapter learns to mend a base that the merge then replaces."""
    if not recipe.load_in_4bit and not recipe.load_in_8bit:
        return
    bits = 4 if recipe.load_in_4bit else 8
    whole = replace(recipe, load_in_4bit=False, load_in_8bit=False)
    work = Work(recipe.per_device_train_batch_size, plan.longest_kept, plan.device["on_gpu"])
    needed = estimate_memory(whole, shape, work).total
    if needed <= ROOMY * plan.device["memory_bytes"]:
        why = (
            f"{bits}-bit weights where {16 if work.on_gpu else 32}-bit ones fit too ({_gb(needed)} of "
            f"{_gb(plan.device['memory_bytes'])}): coarser, slower, and merged into a base that was not trained on"
        )
        yield Finding("warn", "bits", why, f"load_in_{bits}bit", False)


def _gb(size: float) -> str:
    return f"{size / 1e9:.1f} GB"

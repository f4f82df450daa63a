"""A plan as tables for people."""

from typing import Any

from cadmonkey.errors import InputError
from cadmonkey.training.plan import Plan
from cadmonkey.training.verdict import SMOKE_STEPS, Finding, rounded

_COLOURS = {"ok": "green", "go": "green", "warn": "yellow", "stop": "red"}


def print_plan(plan: Plan) -> None:
    """Print the figures, the memory by component, and the verdict with its reasons."""
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    console.print(_table([*_data(plan), *_steps(plan), *_cost(plan)]))
    for finding in plan.findings:
        if finding.level != "ok":
            console.print(f"[{_COLOURS[finding.level]}]{finding.level:4}[/] {words_of(finding)}", markup=True)
    if plan.remedy:
        console.print(f"all together: {plan.remedy}", markup=False)
    console.print(f"verdict: [{_COLOURS[plan.verdict]}]{plan.verdict}[/]")


def refuse(plan: Plan) -> None:
    """Keep a run from beginning that would come to nothing.

    Raises:
        InputError: the verdict is "stop".
    """
    if plan.verdict == "stop":
        reasons = "; ".join(f"{finding.what}: {finding.why}" for finding in plan.findings if finding.level == "stop")
        remedy = f" -> {plan.remedy}" if plan.remedy else ""
        smoke = f"a smoke test (--max-steps up to {SMOKE_STEPS}) is not judged by what it would learn"
        raise InputError(f"plan: {reasons}{remedy}; {smoke}")


def words_of(finding: Finding) -> str:
    """Return a finding on one line, with the option to change."""
    return f"{finding.what}: {finding.why}" + (f" -> {finding.remedy}" if finding.remedy else "")


def _table(rows: list[tuple[str, str]]) -> Any:
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    for name, words in rows:
        table.add_row(name, words)
    return table


def _data(plan: Plan) -> list[tuple[str, str]]:
    left_out = ", ".join(f"{count:,} {reason}" for reason, count in plan.left_out.items())
    lengths = ", ".join(f"{name} {length}" for name, length in plan.tokens_per_row.items())
    counted = "" if plan.tokens_from == "tokenizer" else "estimated, "
    return [
        ("model", f"{plan.base_model} ({plan.shape_from}), {plan.total_parameters:,} parameters"),
        ("trains", f"{plan.trainable_parameters:,} parameters with {plan.engine}"),
        ("rows", f"{plan.rows['train']:,} to train on, {plan.rows['validation']:,} held out"),
        ("left out", left_out or "none"),
        ("tokens", f"{counted}{plan.tokens:,} an epoch, {plan.tokens_in_loss:,} in the loss; a row: {lengths}"),
        *([("note", plan.note)] if plan.note else []),
    ]


def _steps(plan: Plan) -> list[tuple[str, str]]:
    rates = ", ".join(f"{rate:.2g} at {place}" for place, rate in plan.learning_rates.items())
    coverage = [
        ("coverage", f"{rounded(plan.coverage_percent)} % of {plan.data_rows:,} rows, {rounded(plan.epochs)} epochs")
    ]
    epoch = f"; {plan.steps_per_epoch:,} are an epoch"
    if not plan.data_rows:
        coverage, epoch = [], ""
    processes = f" on {plan.world_size} processes" if plan.world_size > 1 else ""
    return [
        ("steps", f"{plan.steps:,} of {plan.effective_batch} rows{processes}{epoch}"),
        *coverage,
        ("learning rate", rates),
        ("", f"{plan.share_below_1_percent:.1%} of the steps below 1 % of the peak, warm-up {plan.warmup_share:.0%}"),
    ]


def _cost(plan: Plan) -> list[tuple[str, str]]:
    parts = [f"{name} {_size(size)}" for name, size in plan.memory.items() if size and name != "total"]
    room = f"{_size(plan.device['memory_bytes'])} of {plan.device['name']}"
    fits = "fits into" if plan.fits else "does not fit into"
    disk = [f"{name} {_size(size)}" for name, size in plan.disk.items() if size and name != "total"]
    duration = plan.duration
    return [
        ("memory", f"about {_size(plan.memory['total'])}, {fits} {room}"),
        ("", ", ".join(parts)),
        ("time", f"about {_time(duration['seconds'])}, {duration['tokens_per_second']:,.0f} tokens/s"),
        ("", str(duration["source"])),
        ("disk", f"about {_size(plan.disk['total'])} of {_size(plan.disk_free_bytes)} free: {', '.join(disk)}"),
    ]


def _size(size: float) -> str:
    return f"{size / 1e9:.2f} GB" if size >= 1e8 else f"{size / 1e6:.1f} MB"


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"

"""What would make a run fail silently, looked at before the first step: preflight.json."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from cadmonkey.data.chat import NO_LOSS, control_tokens, end_token
from cadmonkey.errors import InputError
from cadmonkey.files import write_json
from cadmonkey.training.examples import Examples
from cadmonkey.training.plan import Plan
from cadmonkey.training.recipe import Recipe
from cadmonkey.training.repair import RowCheck


@dataclass(frozen=True)
class Check:
    """One look at the run: what was looked at, how it stands, and in words."""

    name: str
    status: Literal["pass", "fixed", "stop"]
    detail: str


def check_run(
    recipe: Recipe, plan: Plan, model: Any, tokenizer: Any, train: Examples, row_checks: list[RowCheck]
) -> list[Check]:
    """Return every check of a run that is about to start."""
    return [
        _check_rows(plan),
        _check_labels(tokenizer, train),
        _check_begin(tokenizer, train),
        _check_pad(tokenizer),
        _check_length(recipe, plan, model),
        _check_warmup(recipe, plan),
        _check_special_rows(tokenizer, row_checks),
    ]


def write_preflight(path: Path, checks: list[Check], row_checks: list[RowCheck]) -> None:
    """Write preflight.json, then refuse the run if a check says stop.

    Raises:
        InputError: a check says stop.
    """
    write_json(
        path,
        {
            "checks": [asdict(check) for check in checks],
            "special_token_rows": [check.as_dict() for check in row_checks],
        },
    )
    for check in checks:
        if check.status == "stop":
            raise InputError(f"preflight: {check.name}: {check.detail}")


def _check_rows(plan: Plan) -> Check:
    left_out = sum(plan.left_out.values())
    detail = f"{plan.rows['train']} rows to train on, {left_out} left out"
    if not plan.rows["train"] or not plan.rows["validation"]:
        return Check("rows", "stop", f"{detail}; raise --max-seq-length or give more data")
    if left_out > plan.rows["train"]:
        return Check("rows", "stop", f"{detail} ({plan.left_out}); raise --max-seq-length")
    return Check("rows", "pass", detail)


def _check_labels(tokenizer: Any, train: Examples) -> Check:
    """Every row must learn something, and its last token must be the end of the turn, in the loss."""
    end = end_token(tokenizer)
    end_id = tokenizer.convert_tokens_to_ids(end)
    wrong = sum(
        example.labels[-1] != end_id or example.labels[0] != NO_LOSS or len(example.labels) != len(example.input_ids)
        for example in train.kept
    )
    if wrong:
        return Check("labels", "stop", f"{wrong} rows do not end in {end} inside the loss")
    return Check("labels", "pass", f"every row ends in {end} (id {end_id}) inside the loss; prompts are masked")


def _check_begin(tokenizer: Any, train: Examples) -> Check:
    begin = tokenizer.bos_token_id
    if begin is None:
        return Check("begin token", "pass", "this model has none")
    counts = {example.input_ids.count(begin) for example in train.kept}
    if counts - {0, 1}:
        return Check("begin token", "stop", f"expected one {tokenizer.bos_token} a row, got up to {max(counts)}")
    return Check(
        "begin token", "pass", f"{tokenizer.bos_token} stands once in every row" if counts == {1} else "unused"
    )


def _check_pad(tokenizer: Any) -> Check:
    pad, end = tokenizer.pad_token, tokenizer.eos_token
    if pad == end or tokenizer.pad_token_id not in control_tokens(tokenizer):
        return Check("pad token", "stop", f"expected a special token other than {end}, got {pad}")
    return Check("pad token", "pass", f"{pad}, not {end}")


def _check_length(recipe: Recipe, plan: Plan, model: Any) -> Check:
    room = getattr(model.config, "max_position_embeddings", recipe.max_seq_length)
    longest = plan.tokens_per_row["max"]
    if longest > room:
        return Check("length", "stop", f"rows reach {longest} tokens, the model {room}; lower --max-seq-length")
    return Check(
        "length", "pass", f"longest row {longest} tokens, model {room}, --max-seq-length {recipe.max_seq_length}"
    )


def _check_warmup(recipe: Recipe, plan: Plan) -> Check:
    if plan.warmup_steps < recipe.warmup_steps:
        detail = f"shortened from {recipe.warmup_steps} to {plan.warmup_steps} steps, a tenth of {plan.steps}"
        return Check("warm-up", "fixed", detail)
    return Check("warm-up", "pass", f"{plan.warmup_steps} of {plan.steps} steps")


def _check_special_rows(tokenizer: Any, row_checks: list[RowCheck]) -> Check:
    bad = [check for check in row_checks if check.untrained]
    if not bad:
        return Check("end token rows", "pass", f"{tokenizer.eos_token} and the template's other tokens are trained")
    names = ", ".join(
        f"{check.token} in {check.matrix} (cosine {check.cosine:.2f} to {check.nearest})" for check in bad
    )
    return Check("end token rows", "fixed", f"untrained: {names}; started at the mean and made trainable")

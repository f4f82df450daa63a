"""Fine-tuning from rows on disk to an adapter on disk, in the order in which it happens."""

from collections import Counter
from pathlib import Path
from typing import Any

from cadmonkey.errors import RunError
from cadmonkey.files import write_json
from cadmonkey.training.end_token import measure_end_token
from cadmonkey.training.engines import add_adapter, import_engine, load_base, load_tokenizer
from cadmonkey.training.examples import encode_rows, read_training_rows
from cadmonkey.training.plan import Plan, make_plan
from cadmonkey.training.preflight import Check, check_run, write_preflight
from cadmonkey.training.recipe import Recipe
from cadmonkey.training.repair import check_rows, rows_to_train, start_rows
from cadmonkey.training.trainer import build_trainer, run_training, save_adapter
from cadmonkey.training.watch import check_reporters


def finetune(recipe: Recipe, out: Path) -> None:
    """Train on `out`/data and write plan.json, preflight.json, metrics.jsonl, curves.png, end_token.json, adapter/.

    A finished adapter is left alone; a killed run goes on from its last whole checkpoint.

    Raises:
        InputError: the base model or the data do not fit; preflight.json says where.
        RunError: the disk is full, the loss is not finite, or the trained model does not stop.
    """
    if (out / "adapter").is_dir():
        print(f"train: done already ({out / 'adapter'})")
        return
    check_reporters(recipe)
    import_engine(recipe.engine)
    tokenizer = load_tokenizer(recipe.base_model)
    rows, held_out_rows = read_training_rows(out / "data")
    train = encode_rows(tokenizer, rows, recipe.max_seq_length)
    held_out = encode_rows(tokenizer, held_out_rows, recipe.max_seq_length)
    plan = make_plan(recipe, rows, train, held_out)
    write_json(out / "plan.json", plan.as_dict())
    _say_plan(plan)

    model = load_base(recipe)
    row_checks = check_rows(model, tokenizer)
    checks = check_run(recipe, plan, model, tokenizer, train, row_checks)
    _say_checks(checks)
    write_preflight(out / "preflight.json", checks, row_checks)

    token_rows = rows_to_train(row_checks)
    model = add_adapter(model, recipe, token_rows)
    start_rows(model, tokenizer, token_rows, recipe.seed)
    trainer = build_trainer(model, tokenizer, recipe, plan, train.kept, held_out.kept, out)
    run_training(trainer, out)
    _judge_end_token(recipe, out, measure_end_token(model, tokenizer, held_out.kept[: recipe.validation_rows]))
    save_adapter(model, tokenizer, out / "adapter")


def _say_plan(plan: Plan) -> None:
    left_out = "".join(f", {count} left out ({reason})" for reason, count in plan.left_out.items())
    print(
        f"plan: {plan.rows['train']} rows, {plan.tokens:,} tokens{left_out}; {plan.steps} steps of "
        f"{plan.effective_batch} rows ({plan.epochs:g} epochs); "
        f"{plan.trainable_parameters:,} LoRA parameters on {plan.total_parameters:,}"
    )


def _say_checks(checks: list[Check]) -> None:
    for check in checks:
        if check.status != "pass":
            print(f"preflight: {check.status}: {check.name}: {check.detail}")
    counts = Counter(check.status for check in checks)
    print(f"preflight: {len(checks)} checks: {', '.join(f'{count} {status}' for status, count in counts.items())}")


def _judge_end_token(recipe: Recipe, out: Path, measured: dict[str, Any]) -> None:
    """Write end_token.json; stop a whole run that does not want to stop, warn about a short one.

    Raises:
        RunError: the mean is below the recipe's end_token_probability after whole epochs.
    """
    passed = measured["mean"] >= recipe.end_token_probability
    write_json(out / "end_token.json", {**measured, "expected": recipe.end_token_probability, "pass": passed})
    words = f"P({measured['end_token']}) at the ends of {measured['rows']} held-out answers: {measured['mean']:.3f}"
    print(f"train: {words}")
    if passed:
        return
    if recipe.max_steps < 0:
        raise RunError(
            f"{out / 'end_token.json'}: {words}, expected {recipe.end_token_probability} or more: the model would not "
            "stop; train longer or at a higher --learning-rate, with --fresh"
        )
    print(f"train: warning: below {recipe.end_token_probability}, as a run of {recipe.max_steps} steps may be")

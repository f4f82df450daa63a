"""Fine-tuning from rows on disk to an adapter on disk, in the order in which it happens."""

from collections import Counter
from pathlib import Path
from time import perf_counter
from typing import Any

from cadmonkey.errors import RunError
from cadmonkey.files import write_json
from cadmonkey.training.end_token import measure_end_token
from cadmonkey.training.engines import add_adapter, import_engine, load_base, load_tokenizer
from cadmonkey.training.examples import encode_rows, read_overlap, read_training_rows
from cadmonkey.training.plan import make_plan
from cadmonkey.training.plan_report import print_plan, refuse
from cadmonkey.training.preflight import Check, Subject, check_run, check_special_rows, pass_preflight
from cadmonkey.training.processes import first_alone, is_first
from cadmonkey.training.recipe import Recipe
from cadmonkey.training.repair import check_rows, rows_to_train, start_rows
from cadmonkey.training.resources import write_resources
from cadmonkey.training.trainer import build_trainer, run_training, save_trained
from cadmonkey.training.twins import part_twins


def finetune(recipe: Recipe, out: Path) -> None:
    """Train on `out`/data and write plan.json, preflight.json, metrics.jsonl, curves.png, end_token.json, adapter/.

    With full_finetuning it is model/ instead. A finished run is left alone; a killed one goes on from its last whole
    checkpoint. Of several processes (torchrun, accelerate launch) the first alone writes and measures.

    Raises:
        InputError: the base model or the data do not fit; preflight.json says where.
        RunError: the disk is full, the loss is not finite, or the trained model does not stop.
    """
    trained = out / ("model" if recipe.full_finetuning else "adapter")
    if trained.is_dir():
        print(f"train: done already ({trained})")
        return
    import_engine(recipe.engine)
    tokenizer = load_tokenizer(recipe.base_model)
    rows, held_out_rows = read_training_rows(out / "data")
    held_out_rows, twinned = part_twins(rows, held_out_rows)
    train = encode_rows(tokenizer, rows, recipe.max_seq_length)
    held_out = encode_rows(tokenizer, held_out_rows, recipe.max_seq_length)
    plan = make_plan(recipe, rows, train, held_out, out)
    first_alone(lambda: write_json(out / "plan.json", plan.as_dict()))
    print_plan(plan)
    refuse(plan)

    checks = check_run(Subject(recipe, plan, tokenizer, rows, train, twinned, read_overlap(out)))
    first_alone(lambda: pass_preflight(out / "preflight.json", checks, []))
    model = load_base(recipe)
    row_checks = check_rows(model, tokenizer)
    checks.append(check_special_rows(tokenizer, row_checks))
    _say_checks(checks)
    first_alone(lambda: pass_preflight(out / "preflight.json", checks, row_checks))

    token_rows = rows_to_train(row_checks)
    model = add_adapter(model, recipe, token_rows)
    start_rows(model, tokenizer, token_rows, recipe.seed)
    trainer = build_trainer(model, tokenizer, recipe, plan, train.kept, held_out.kept, out)
    began, resumed = perf_counter(), any(out.glob("checkpoint-*"))
    run_training(trainer, out)
    if not is_first():
        return
    write_resources(out / "resources.json", perf_counter() - began, resumed=resumed)
    _judge_end_token(recipe, out, measure_end_token(model, tokenizer, held_out.kept[: recipe.validation_rows]))
    save_trained(model, tokenizer, trained)


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

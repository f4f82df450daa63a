"""The plan: figures that are true, and a verdict on runs that would come to nothing."""

import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import tyro

from cadmonkey.errors import InputError
from cadmonkey.files import read_json, read_jsonl, write_json, write_jsonl
from cadmonkey.training.plan import DataFigures, Plan, plan_run
from cadmonkey.training.plan_report import print_plan
from cadmonkey.training.recipe import Recipe

pytest.importorskip("transformers")

FAILED = Recipe(
    base_model="unsloth/Llama-3.2-1B",
    datasets=("rows.jsonl",),
    load_in_4bit=True,
    lora_rank=16,
    learning_rate=5e-5,
    per_device_train_batch_size=1,
    gradient_accumulation_steps=8,
    max_steps=500,
)
"""A real run: nothing came of its GPU time."""

SLOWER = replace(
    FAILED,
    per_device_train_batch_size=2,
    gradient_accumulation_steps=16,
    learning_rate=1e-4,
    max_steps=2000,
    warmup_steps=200,
)
LONGER = replace(
    FAILED,
    per_device_train_batch_size=4,
    gradient_accumulation_steps=16,
    learning_rate=2e-4,
    max_steps=5000,
    warmup_steps=500,
    weight_decay=0.01,
)


def planned(
    recipe: Recipe,
    tmp_path: Path,
    *,
    rows: int = 45_000,
    gpu: float | None = 16,
    lengths: list[int] | None = None,
    **data: Any,
) -> Plan:
    """The plan for `rows` rows of 300 tokens, or for rows of `lengths`."""
    lengths = [300] * rows if lengths is None else lengths
    figures = DataFigures(lengths, sum(lengths) * 5 // 6, len(lengths), 200, **data)
    return plan_run(recipe, figures, tmp_path, gpu_memory_gb=gpu)


def levels(plan: Plan) -> dict[str, str]:
    return {finding.what: finding.level for finding in plan.findings}


def test_the_real_failed_run_is_condemned_with_reasons(tmp_path: Path) -> None:
    plan = planned(FAILED, tmp_path)
    assert (plan.verdict, plan.coverage_percent, plan.effective_batch) == ("stop", 8.9, 8)
    assert levels(plan)["coverage"] == "stop"
    assert {"learning rate", "decay", "bits", "batch"} <= {f.what for f in plan.findings if f.level == "warn"}
    assert 4e-10 < plan.learning_rates["100 %"] < 7e-10
    coverage = plan.findings[0]
    assert (coverage.field, coverage.value, coverage.remedy) == ("max_steps", 1407, "--max-steps 1407")
    assert next(f.remedy for f in plan.findings if f.what == "batch") == "--gradient-accumulation-steps 32"
    assert next(f.remedy for f in plan.findings if f.what == "learning rate") == "--learning-rate 0.0002"
    assert "4,000 of 45,000" in coverage.why


def test_its_repairs_pass_and_seven_epochs_are_called_many(tmp_path: Path) -> None:
    slower, longer = planned(SLOWER, tmp_path), planned(LONGER, tmp_path)
    assert (slower.coverage_percent, longer.coverage_percent) == (142.2, 711.1)
    assert [f.what for f in slower.findings if f.level != "ok"] == ["bits"]
    assert [f.what for f in longer.findings if f.level != "ok"] == ["bits", "coverage"]
    assert "many" in next(f.why for f in longer.findings if f.what == "coverage")
    assert planned(replace(SLOWER, load_in_4bit=False), tmp_path).verdict == "go"


TINY_DATA = {"rows": 40}
OWN_DATA = {
    "per_device_train_batch_size": 2,
    "gradient_accumulation_steps": 16,
    "learning_rate": 1e-4,
    "max_steps": 2000,
    "warmup_steps": 200,
}
"""As the preset `conservative` of recipes/qlora.py."""
CONDEMNED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "the real one": ({}, {}),
    "one row a step": ({"gradient_accumulation_steps": 1, "max_steps": 100}, {}),
    "too few steps at a rate of next to nothing": ({"max_steps": 21, "learning_rate": 1e-6}, {}),
    "too few steps of a large batch": ({"max_steps": 30, "per_device_train_batch_size": 64}, {}),
    "packed": ({"packing": True, "max_steps": 50}, {}),
    "every row too long": ({"max_seq_length": 100}, {"lengths": [], "too_long": 45_000, "longest_row": 900}),
    "some rows longer than the model's room": (
        {"max_seq_length": 100, "base_model": "HuggingFaceTB/SmolLM2-135M"},
        {"lengths": [], "too_long": 45_000, "longest_row": 9000},
    ),
    "most rows too long": ({"max_seq_length": 100}, {"rows": 99, "too_long": 45_000, "longest_row": 900}),
    "does not fit": ({"per_device_train_batch_size": 64, "max_steps": 2000}, {"gpu": 3}),
    "8 bits do not fit": ({"load_in_4bit": False, "load_in_8bit": True, "max_steps": 9000}, {"gpu": 2.8}),
    "whole model does not fit": ({"load_in_4bit": False, "full_finetuning": True, "learning_rate": 1e-5}, {"gpu": 4}),
    "long rows do not fit": (
        {"max_seq_length": 8192, "gradient_checkpointing": True, "max_steps": 9000},
        {"lengths": [300] * 45_000 + [8000] * 100, "gpu": 4},
    ),
    "too many epochs of a few rows": ({"max_steps": 5000}, TINY_DATA),
    "too many epochs": ({"max_steps": -1, "num_train_epochs": 30}, {"rows": 4000}),
    "the preset for one's own data, of which there is little": (OWN_DATA, {"rows": 83}),
    "the same for somewhat fewer epochs": (OWN_DATA | {"max_steps": 60}, {"rows": 83}),
    "the same in whole epochs": (OWN_DATA | {"max_steps": -1, "num_train_epochs": 771}, {"rows": 83}),
    "the same, packed": (OWN_DATA | {"packing": True}, {"rows": 83}),
    "a dozen rows": (OWN_DATA, {"rows": 12}),
    "few steps of a few rows": ({"max_steps": -1, "learning_rate": 1e-4}, TINY_DATA),
    "a schedule that ends early": ({"lr_scheduler_type": "polynomial", "max_steps": 300}, {"rows": 1000}),
}
"""What is changed about the run that failed, and what it is planned for."""


@pytest.mark.parametrize("name", CONDEMNED)
def test_the_remedies_of_a_plan_taken_together_as_printed_are_a_plan_that_passes(name: str, tmp_path: Path) -> None:
    changes, setting = CONDEMNED[name]
    recipe = replace(FAILED, **changes)
    plan = planned(recipe, tmp_path, **setting)
    assert plan.verdict != "go"
    options = plan.remedy.split()
    for finding in plan.findings:
        assert all(option in plan.remedy for option in finding.remedy.split(" --")), (
            "what one finding asks for is what all of them do"
        )
    mended = tyro.cli(Recipe, args=options, default=recipe, config=(tyro.conf.OmitArgPrefixes,))
    assert not 0 < mended.max_steps <= 20
    again = planned(mended, tmp_path, **comes_back(setting, mended))
    assert again.verdict != "stop", [f.why for f in again.findings if f.level == "stop"]
    grave = [f for f in again.findings if f.level == "warn" and f.field and f.field in plan.remedy]
    assert not grave, "what was mended is not asked for again"


@pytest.mark.parametrize(
    ("rows", "steps", "level", "why"),
    [
        (83, 2000, "stop", "77,108 % of the data: 2,000 steps x 32 rows = 64,000 of 83, 771 epochs"),
        (1270, 2000, "stop", "5,039 % of the data: 2,000 steps x 32 rows = 64,000 of 1,270, 50 epochs"),
        (1280, 2000, "warn", "5,000 % of the data: 2,000 steps x 32 rows = 64,000 of 1,280, 50 epochs"),
        (83, 60, "warn", "2,313 % of the data: 60 steps x 32 rows = 1,920 of 83, 23 epochs"),
        (9, 2000, "stop", "711,111 % of the data: 2,000 steps x 32 rows = 64,000 of 9, 7,111 epochs"),
    ],
)
def test_too_many_epochs_are_stopped_above_fifty_and_always_name_the_steps(
    rows: int, steps: int, level: str, why: str, tmp_path: Path
) -> None:
    plan = planned(replace(FAILED, **OWN_DATA | {"max_steps": steps}), tmp_path, rows=rows)
    coverage = next(finding for finding in plan.findings if finding.what == "coverage")
    assert (coverage.level, coverage.field) == (level, "max_steps")
    assert coverage.why.startswith(why)
    assert coverage.value >= 50


@pytest.mark.parametrize(
    ("own", "field", "remedy"),
    [
        ({"datasets": ("mine.jsonl",)}, "datasets", "name more with --datasets"),
        ({"datasets": (), "own_parts": 8}, "own_parts", "raise --own-parts"),
    ],
)
def test_under_ten_rows_the_plan_says_how_many_it_takes_and_where_to_name_them(
    own: dict[str, Any], field: str, remedy: str, tmp_path: Path
) -> None:
    recipe = replace(FAILED, **OWN_DATA, **own)
    tiny = {"per_device_train_batch_size": 1, "gradient_accumulation_steps": 1, "max_steps": 50}
    for what, choices in {"coverage": tiny, "steps": {"max_steps": -1, "num_train_epochs": 3}}.items():
        nine, ten = (planned(replace(recipe, **choices), tmp_path, rows=rows) for rows in (9, 10))
        finding = next(f for f in nine.findings if f.what == what)
        assert (finding.level, finding.field, finding.remedy) == ("warn", field, "")
        assert f"10 rows to train on are the fewest for 50 steps without many epochs: {remedy}" in finding.why
        assert all("rows to train on are" not in f.why for f in ten.findings)
    assert planned(recipe, tmp_path, rows=9).findings[0].why.endswith(remedy), "a stop says so, too"


def test_without_rows_the_report_says_nothing_of_their_coverage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    print_plan(planned(SLOWER, tmp_path))
    full = capsys.readouterr().out
    assert "142 % of 45,000 rows, 1.4 epochs" in full
    assert "1,407 are an epoch" in full
    print_plan(planned(SLOWER, tmp_path, rows=0))
    empty = capsys.readouterr().out
    assert "no row to train on" in empty
    assert "coverage" not in empty
    assert "epochs" not in empty
    assert "are an epoch" not in empty


def test_above_half_of_the_rows_left_out_the_plan_stops_as_the_preflight_does(tmp_path: Path) -> None:
    def found(rows: int, **data: Any) -> tuple[str, str]:
        plan = planned(replace(SLOWER, load_in_4bit=False), tmp_path, rows=rows, **data)
        finding = next(finding for finding in plan.findings if finding.what == "rows")
        return finding.level, finding.remedy

    long = {"longest_row": 1500}
    assert found(30_000, too_long=30_000, **long) == ("warn", "--max-seq-length 1500")
    assert found(30_000, too_long=30_001, **long) == ("stop", "--max-seq-length 1500")
    assert found(30_000, left_out={"holds a control token": 30_001})[0] == "stop"


def comes_back(setting: dict[str, Any], mended: Recipe) -> dict[str, Any]:
    """The data as a run with the mended choices finds them."""
    lengths = setting.get("lengths", [300] * setting.get("rows", 45_000)) + [900] * setting.get("too_long", 0)
    lengths += [setting["longest_row"]] if setting.get("longest_row", 0) > 900 else []
    kept = [length for length in lengths if length <= mended.max_seq_length]
    gone = len(lengths) - len(kept)
    return {"gpu": setting.get("gpu", 16), "lengths": kept, "too_long": gone, "longest_row": max(lengths)}


def test_what_no_field_mends_has_no_remedy(tmp_path: Path) -> None:
    plan = planned(replace(FAILED, max_steps=2000), tmp_path, gpu=0.7)
    memory = plan.findings[0]
    assert (memory.what, memory.level, memory.remedy, plan.remedy) == ("memory", "stop", "", "")
    assert "a smaller --base-model" in memory.why
    small = replace(FAILED, base_model="HuggingFaceTB/SmolLM2-135M", max_seq_length=8192)
    long = planned(small, tmp_path, too_long=9000, longest_row=9000)
    rows = next(f for f in long.findings if f.what == "rows")
    assert (rows.level, rows.field) == ("warn", "")
    assert "room for 8192 tokens" in rows.why


def test_a_full_disk_asks_for_the_smallest_file_alone_if_that_helps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = replace(SLOWER, load_in_4bit=False, quants=("q8_0", "f16"))
    needed = planned(sound, tmp_path).disk["total"]

    def stopped(free: float) -> tuple[str, str]:
        monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=free))
        plan = planned(sound, tmp_path)
        finding = next(f for f in plan.findings if f.what == "disk")
        assert (finding.level, "--out" in finding.why) == ("stop", True)
        return finding.remedy, plan.remedy

    assert stopped(needed - 1) == ("--quants q8_0", "--quants q8_0")
    assert stopped(1000) == ("", "")


@pytest.mark.parametrize("bits", [4, 8])
def test_few_bits_are_called_needless_where_more_fit(bits: int, tmp_path: Path) -> None:
    recipe = replace(SLOWER, load_in_4bit=bits == 4, load_in_8bit=bits == 8)
    found = next(f for f in planned(recipe, tmp_path).findings if f.what == "bits")
    assert (found.level, found.remedy) == ("warn", f"--no-load-in-{bits}bit")
    assert found.why.startswith(f"{bits}-bit weights where 16-bit ones fit too")


def test_a_smoke_test_is_not_judged_by_what_it_would_learn(tmp_path: Path) -> None:
    plan = planned(replace(FAILED, load_in_4bit=False, max_steps=20), tmp_path)
    assert (plan.verdict, plan.coverage_percent) == ("go", 0.4)
    assert planned(replace(FAILED, max_steps=21), tmp_path).verdict == "stop"


@pytest.mark.parametrize(
    ("changes", "rows", "what", "field"),
    [
        ({"learning_rate": 5e-3}, 45_000, "learning rate", "learning_rate"),
        ({"full_finetuning": True, "learning_rate": 2e-3}, 45_000, "learning rate", "learning_rate"),
        ({"learning_rate": 1e-4, "max_steps": 300}, 9000, "learning rate", "max_steps"),
        ({"warmup_ratio": 0.5}, 45_000, "warm-up", "warmup_ratio"),
        ({"lr_scheduler_type": "polynomial", "max_steps": -1, "num_train_epochs": 1}, 500, "steps", "num_train_epochs"),
        ({"max_steps": -1, "num_train_epochs": 1}, 64, "steps", "gradient_accumulation_steps"),
        ({"max_steps": 1000}, 45_000, "coverage", "max_steps"),
    ],
)
def test_each_fault_has_a_warning_that_names_the_field(
    tmp_path: Path, changes: dict[str, Any], rows: int, what: str, field: str
) -> None:
    sound = replace(SLOWER, load_in_4bit=False)
    assert what not in [f.what for f in planned(sound, tmp_path).findings if f.level != "ok"]
    plan = planned(replace(sound, **changes), tmp_path, rows=rows)
    assert field in [f.field for f in plan.findings if f.what == what and f.level == "warn"]


def test_steps_at_a_spent_rate_are_counted(tmp_path: Path) -> None:
    long_tail = planned(replace(SLOWER, lr_scheduler_type="constant_with_warmup"), tmp_path)
    assert long_tail.share_below_1_percent == pytest.approx(2 / 2000)
    cosine = planned(SLOWER, tmp_path)
    assert 0.05 < cosine.share_below_1_percent < 0.07
    floor = planned(replace(SLOWER, min_lr_ratio=0.1), tmp_path)
    assert floor.learning_rates["100 %"] == pytest.approx(1e-5, rel=1e-3)


def test_too_long_rows_and_a_full_disk_and_a_small_gpu_are_seen(tmp_path: Path) -> None:
    sound = replace(SLOWER, load_in_4bit=False)
    data = {"left_out": {"longer than 1024 tokens": 9000}, "too_long": 9000, "longest_row": 1500}
    cut = next(f for f in planned(sound, tmp_path, **data).findings if f.what == "rows")
    assert (cut.level, cut.field, cut.value) == ("warn", "max_seq_length", 1500)
    wide = planned(replace(sound, per_device_train_batch_size=64), tmp_path, gpu=16)
    memory = next(f for f in wide.findings if f.what == "memory")
    assert (memory.level, memory.field) == ("warn", "per_device_train_batch_size")
    assert memory.value < 64
    smaller = replace(sound, per_device_train_batch_size=memory.value)
    assert planned(smaller, tmp_path, gpu=16).fits
    tiny = planned(replace(sound, gradient_checkpointing=True), tmp_path, gpu=3)
    assert (tiny.fits, tiny.verdict) == (False, "stop")
    assert next(f for f in tiny.findings if f.what == "memory").remedy == "--load-in-4bit"


def test_packing_and_several_processes_are_in_the_coverage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = planned(replace(SLOWER, packing=True, max_seq_length=900, max_steps=500), tmp_path)
    # three to a row, in 23 windows of 2,000, each of which ends in a row that is not full
    assert (packed.packed_rows, packed.coverage_percent) == (15_008, 106.6)
    monkeypatch.setenv("WORLD_SIZE", "4")
    many = planned(SLOWER, tmp_path)
    assert (many.effective_batch, many.coverage_percent) == (128, 568.9)


def test_own_parts_that_a_short_run_does_not_make_count_as_unseen(tiny_llama: Path, tmp_path: Path) -> None:
    from cadmonkey.training.forecast import find_tokenizer, look_at_data, sample_rows

    recipe = replace(FAILED, base_model=str(tiny_llama), datasets=(), own_parts=1000, max_steps=21, max_seq_length=4096)
    data, _ = look_at_data(recipe, sample_rows(recipe, None), find_tokenizer(recipe.base_model))
    plan = plan_run(recipe, data, tmp_path)
    assert (plan.rows["train"], plan.data_rows, plan.coverage_percent) == (168, 1000, 16.8)


def test_own_parts_left_out_of_the_sample_are_left_out_of_all(
    tiny_llama: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from cadmonkey.training import forecast

    monkeypatch.setattr(forecast, "SAMPLE_ROWS", 40)
    recipe = replace(FAILED, base_model=str(tiny_llama), datasets=(), own_parts=1000, max_steps=-1, num_train_epochs=1)
    sample = replace(forecast.sample_rows(recipe, None), held_out=[])
    tokenizer = forecast.find_tokenizer(recipe.base_model)
    lengths = sorted(forecast.look_at_data(replace(recipe, max_seq_length=10_000), sample, tokenizer)[0].lengths[:40])
    data, examples = forecast.look_at_data(replace(recipe, max_seq_length=lengths[29]), sample, tokenizer)
    kept = sum(length <= lengths[29] for length in lengths)
    assert (len(data.lengths), data.data_rows, data.too_long) == (25 * kept, 25 * kept, 1000 - 25 * kept)
    assert data.left_out == {f"longer than {lengths[29]} tokens": 1000 - 25 * kept}
    assert len(examples.kept) == kept < 40
    assert data.tokens_in_loss == 25 * sum(label >= 0 for example in examples.kept for label in example.labels)
    assert plan_run(replace(recipe, max_seq_length=lengths[29]), data, tmp_path).coverage_percent == 100
    estimate, none = forecast.look_at_data(replace(recipe, max_seq_length=100), sample, None)
    assert 0 < estimate.tokens_in_loss < sum(estimate.lengths)
    assert not none.kept


def test_rows_that_are_only_assumed_are_not_learnt_from_end_to_end() -> None:
    from cadmonkey.training.forecast import assume_data

    data = assume_data(FAILED, 1000, 300)
    assert (sum(data.lengths), data.tokens_in_loss, data.data_rows) == (300_000, 165_000, 1000)
    assert "55% of them in the loss" in data.note
    none = assume_data(FAILED, 1000, 3000)
    assert (len(none.lengths), none.data_rows, none.too_long) == (0, 0, 1000)


def test_the_planned_rates_are_those_that_training_logs(
    tiny_llama: Path, small_recipe: Recipe, run_folder: Path
) -> None:
    pytest.importorskip("trl")
    from cadmonkey.training.finetune import finetune
    from cadmonkey.training.rates import learning_rates

    recipe = replace(small_recipe, base_model=str(tiny_llama), max_steps=12, warmup_ratio=0.25)
    finetune(replace(recipe, warmup_ratio=0.0, warmup_steps=3), run_folder)
    logged = [line["learning_rate"] for line in read_jsonl(run_folder / "metrics.jsonl") if "learning_rate" in line]
    expected = learning_rates(replace(recipe, warmup_ratio=0.0, warmup_steps=3), 12)
    assert logged == pytest.approx(expected)


def test_a_condemned_run_ends_before_its_first_step(tiny_llama: Path, small_recipe: Recipe, run_folder: Path) -> None:
    from cadmonkey.training.finetune import finetune

    recipe = replace(small_recipe, base_model=str(tiny_llama), own_parts=100_000, max_steps=21)
    with pytest.raises(InputError, match=r"plan: coverage: .* -> --gradient-accumulation-steps 8 --max-steps 3123; "):
        finetune(recipe, run_folder)
    assert read_json(run_folder / "plan.json")["verdict"] == "stop"
    assert not (run_folder / "metrics.jsonl").exists()


def test_an_optimizer_that_transformers_does_not_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"--optim: expected one of adamw_torch, .*, got adamm$"):
        planned(replace(SLOWER, optim="adamm"), tmp_path)


def command(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "cadmonkey.cli", "plan", *arguments]
    environment = {**os.environ, "COLUMNS": "200", "CUDA_VISIBLE_DEVICES": ""}
    return subprocess.run(line, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def test_the_command_counts_the_rows_of_a_file_and_of_a_run(tiny_llama: Path, tmp_path: Path) -> None:
    rows = [{"prompt": f"a {n} mm cube", "completion": f"cube({n});"} for n in range(500)]
    write_jsonl(tmp_path / "rows.jsonl", rows)
    fields = ["--base-model", str(tiny_llama), "--datasets", "rows.jsonl", "--own-parts", "0", "--max-steps", "10"]
    done = command("cadmonkey", "--preset", "nano", *fields, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "verdict: go" in done.stdout
    plan = read_json(tmp_path / "outputs" / "cadmonkey-nano" / "plan.json")
    assert plan["tokens_from"] == "tokenizer"
    assert plan["rows"]["train"] + plan["rows"]["validation"] == 500
    assert plan["data_rows"] == plan["rows"]["train"]

    run = tmp_path / "run"
    write_json(
        run / "recipe.json", {"preset": "nano", "base_model": str(tiny_llama), "learning_rate": 1e-3, "own_parts": 9}
    )
    for split in ("train", "validation"):
        write_jsonl(run / "data" / f"{split}.jsonl", rows[:30])
    done = command("run", "--out", "elsewhere", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert read_json(tmp_path / "elsewhere" / "plan.json")["rows"] == {"train": 30, "validation": 30}


def test_a_known_model_without_tokenizer_is_planned_with_estimates(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "rows.jsonl", [{"prompt": "x" * 100, "completion": "y" * 180}] * 200)
    fields = ("--datasets", "rows.jsonl", "--own-parts", "0", "--gpu-memory-gb", "24", "--max-steps", "5")
    done = command("cadmonkey", "--preset", "llama-3.2-1b", *fields, "--out", "p", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    plan = read_json(tmp_path / "p" / "plan.json")
    assert (plan["tokens_from"], plan["shape_from"], plan["total_parameters"]) == (
        "estimate",
        "known model",
        1235814400,
    )
    assert plan["tokens_per_row"]["p50"] == 136
    assert "estimated" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nonsense",), "expected a recipe (cadmonkey, nano"),
        (("nano",), "expected PRESETS"),
        (("cadmonkey", "--preset", "huge"), "--preset: expected nano or llama-3.2-1b, got 'huge'"),
        (("cadmonkey", "--rows", "0"), "--rows: expected rows"),
        (("cadmonkey", "--rows", "9", "--base-model", "me/unheard-of"), "me/unheard-of: expected a model folder"),
    ],
)
def test_bad_input_of_the_command_is_one_line_and_status_2(
    tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    done = command(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_an_earlier_run_tells_the_speed(tmp_path: Path, tiny_llama: Path) -> None:
    recipe = replace(SLOWER, base_model=str(tiny_llama), load_in_4bit=False)
    assert "estimate" in planned(recipe, tmp_path / "new", gpu=None).duration["source"]
    keep = ("base_model", "engine", "full_finetuning", "load_in_4bit", "load_in_8bit", "gradient_checkpointing")
    write_json(tmp_path / "old" / "recipe.json", {name: getattr(recipe, name) for name in keep})
    write_jsonl(tmp_path / "old" / "metrics.jsonl", [{"step": n, "tokens_per_second": 1000.0 * n} for n in (1, 2, 3)])
    duration = planned(recipe, tmp_path / "new", gpu=None).duration
    assert duration["tokens_per_second"] == 2000.0
    assert duration["seconds"] == pytest.approx(64_000 * 300 / 2000, rel=1e-3)
    other = replace(recipe, gradient_checkpointing=True)
    assert "estimate" in planned(other, tmp_path / "new", gpu=None).duration["source"]


def test_findings_are_counted_once_each(tmp_path: Path) -> None:
    assert max(Counter(f.what for f in planned(FAILED, tmp_path).findings).values()) == 1

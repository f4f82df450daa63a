"""The preflight: each fault planted, and seen."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cadmonkey.data.chat import NO_LOSS, Example, encode
from cadmonkey.files import read_json, write_json, write_jsonl
from cadmonkey.training.engines import load_base, load_tokenizer
from cadmonkey.training.examples import Examples, Row, encode_rows, write_rows
from cadmonkey.training.inspection import inspect
from cadmonkey.training.plan import Plan, make_plan
from cadmonkey.training.preflight import Check, Subject, check_run, check_special_rows
from cadmonkey.training.recipe import Recipe
from cadmonkey.training.repair import check_matrices, check_rows, read_matrices
from cadmonkey.training.twins import part_twins
from cadmonkey.training.verdict import Finding

pytest.importorskip("transformers")


@pytest.fixture
def subject(small_recipe: Recipe, tiny_llama: Path, cad_rows: list[Row], tmp_path: Path) -> Subject:
    """A sound run."""
    recipe = replace(small_recipe, base_model=str(tiny_llama), max_steps=2, warmup_steps=0)
    tokenizer = load_tokenizer(recipe.base_model)
    rows = [row for row in cad_rows if row["split"] == "train"]
    held_out, twinned = part_twins(rows, [row for row in cad_rows if row["split"] == "validation"])
    train = encode_rows(tokenizer, rows, recipe.max_seq_length)
    plan = make_plan(recipe, rows, train, encode_rows(tokenizer, held_out, recipe.max_seq_length), tmp_path)
    return Subject(recipe, plan, tokenizer, rows, train, twinned, overlap=0)


def look(subject: Subject, name: str, **changes: Any) -> Check:
    return next(check for check in check_run(replace(subject, **changes)) if check.name == name)


def with_examples(subject: Subject, change: Callable[[Example], Example]) -> Examples:
    """The rows of `subject` with one of them changed."""
    first, *others = subject.train.kept
    return Examples([*others, change(first)], {})


def test_a_sound_run_passes_every_check(subject: Subject) -> None:
    checks = check_run(subject)
    assert {check.status for check in checks} == {"pass"}, [c.line for c in checks if c.status != "pass"]
    assert len({check.name for check in checks}) == len(checks)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda e: Example(e.input_ids, [*e.labels[:-1], NO_LOSS]), "mask the end token"),
        (lambda e: Example(e.input_ids[:-1], e.labels[:-1]), "lack the end token"),
        (lambda e: Example(e.input_ids, [NO_LOSS] * len(e.labels)), "are masked from end to end"),
        (lambda e: Example(e.input_ids, e.input_ids), "learn their prompt"),
        (lambda e: Example(e.input_ids, e.labels[:-1]), "have more tokens than labels"),
    ],
)
def test_false_labels_stop_the_run(subject: Subject, change: Callable[[Example], Example], words: str) -> None:
    check = look(subject, "labels", train=with_examples(subject, change))
    assert check.status == "stop"
    assert f"1 rows {words}" in check.detail


def test_a_second_begin_token_stops_the_run(subject: Subject) -> None:
    begin = subject.tokenizer.bos_token_id
    twice = with_examples(subject, lambda e: Example([begin, *e.input_ids], [NO_LOSS, *e.labels]))
    assert look(subject, "begin token", train=twice).status == "stop"


def test_a_pad_token_that_is_the_end_or_stands_in_rows_stops_the_run(subject: Subject) -> None:
    pad = subject.tokenizer.pad_token_id
    within = with_examples(
        subject, lambda e: Example([*e.input_ids[:-1], pad, e.input_ids[-1]], [*e.labels, e.labels[-1]])
    )
    assert look(subject, "pad token", train=within).status == "stop"
    subject.tokenizer.pad_token = subject.tokenizer.eos_token
    assert look(subject, "pad token").status == "stop"


def test_a_row_that_was_cut_stops_the_run(subject: Subject) -> None:
    end = subject.tokenizer.eos_token_id
    cut = with_examples(subject, lambda e: Example([*e.input_ids[:-4], end], [*e.labels[:-4], end]))
    check = look(subject, "whole rows", train=cut)
    assert check.status == "stop"
    assert look(subject, "labels", train=cut).status == "pass", "only the text shows it"


def test_a_prompt_that_is_served_otherwise_stops_the_run(subject: Subject) -> None:
    pytest.importorskip("llama_cpp")
    trained = subject.tokenizer.chat_template
    subject.tokenizer.chat_template = trained.replace("\\n\\n", "\\n", 1)
    check = look(subject, "served prompt")
    assert check.status == "stop"
    assert "trained on" in check.detail
    assert "served" in check.detail


@pytest.mark.parametrize("name", ["llama-3.2", "qwen2.5"])
def test_real_templates_are_served_as_they_are_trained(shared_data: Path, cad_rows: list[Row], name: str) -> None:
    pytest.importorskip("llama_cpp")
    from transformers import AutoTokenizer

    from cadmonkey.data.chat import freeze_template
    from cadmonkey.training.served import check_served

    tokenizer = AutoTokenizer.from_pretrained(shared_data / "tokenizers" / name)
    tokenizer.chat_template = freeze_template(tokenizer.chat_template)
    cad_rows.append({"prompt": "  Ø20 Kugel\n in mm ", "completion": "sphere(d = 20);  "})
    examples = [encode(tokenizer, row["prompt"], row["completion"]) for row in cad_rows]
    served = check_served(tokenizer, cad_rows, examples)
    assert (served.looked_at, served.other_prompt, served.cut) == (25, "", "")


def test_a_tokenizer_of_another_model_stops_the_run(subject: Subject) -> None:
    plan: Plan = replace(subject.plan, vocab_size=100)
    assert look(subject, "vocabulary", plan=plan).status == "stop"


def test_control_tokens_in_the_data_are_left_out_and_said(subject: Subject) -> None:
    assert look(subject, "control tokens").status == "pass"
    rows = [*subject.rows, {"prompt": "stop <|eot_id|> here", "completion": "cube(1);"}]
    train = encode_rows(subject.tokenizer, rows, 256)
    plan = make_plan(subject.recipe, rows, train, train)
    check = look(subject, "control tokens", plan=plan, train=train, rows=rows)
    assert check.status == "fixed"
    assert check.detail.startswith("2 rows")  # it stands in both splits


def test_rows_for_which_there_is_no_room_stop_the_run(subject: Subject) -> None:
    assert look(subject, "length", plan=replace(subject.plan, longest_kept=5000)).status == "stop"
    assert look(subject, "rows", plan=replace(subject.plan, left_out={"longer": 21})).status == "stop"
    assert look(subject, "rows", plan=replace(subject.plan, rows={"train": 20, "validation": 0})).status == "stop"


def test_repetitions_and_leaks_are_found_and_leaked_rows_left_out() -> None:
    rows = [{"prompt": f"a plate of {n} by 20 by 5 mm with four holes", "completion": f"cube({n});"} for n in range(40)]
    held_out = [
        {"prompt": "A plate of 7 by 20  by 5 mm with four holes", "completion": "cube(7);"},
        {"prompt": "a plate of 8 by 20 by 5 mm with four holes", "completion": "cube(9);"},
        {"prompt": "a plate of 9 by 20 by 5 mm with four holes!", "completion": "cube(9);"},
    ]
    apart, twinned = part_twins([*rows, rows[0]], held_out)
    assert apart == held_out[1:]
    assert (twinned.repeated, twinned.left_out, twinned.leaked_prompts) == (1, 1, 1)
    wordy = "please make me a rather solid plate with four holes near its corners and a slot in the middle, "
    long = [{"prompt": f"{wordy}{n} mm", "completion": f"cube({n});"} for n in range(3)]
    assert part_twins(long[:2], long[2:])[1].leaked_near == 1


def test_leaks_are_left_out_warned_of_or_stop_with_their_count_and_a_remedy(subject: Subject) -> None:
    def leakage(**counts: int) -> Check:
        return look(subject, "leakage", twinned=replace(subject.twinned, held_out=200, **counts))

    assert leakage(leaked_near=2).status == "pass"
    few = leakage(left_out=2)
    assert (few.status, few.detail.partition(" and")[0]) == ("fixed", "2 of 200 held-out rows are also trained on")
    for counts in ({"leaked_prompts": 3}, {"leaked_near": 3}, {"leaked_prompts": 3, "left_out": 2}):
        check = leakage(**counts)
        assert check.status == "warn"
        assert "3" in check.detail
        assert "`cadmonkey data audit` lists the rows: remove them" in check.detail
    most = leakage(left_out=101)
    assert (most.status, "101 of 200" in most.detail, "remove them" in most.detail) == ("stop", True, True)


def test_copies_across_the_splits_of_the_data_are_warned_of_with_their_count(subject: Subject) -> None:
    check = look(subject, "leakage", overlap=7)
    assert (check.status, "7 rows to train on stood among the held-out ones" in check.detail) == ("warn", True)
    leaked = replace(subject.twinned, left_out=subject.twinned.held_out)
    assert look(subject, "leakage", overlap=7, twinned=leaked).status == "stop"


def test_without_a_row_there_is_nothing_that_passes_for_its_rows(subject: Subject, tmp_path: Path) -> None:
    recipe = replace(subject.recipe, max_seq_length=10)
    train = encode_rows(subject.tokenizer, subject.rows, recipe.max_seq_length)
    plan = make_plan(recipe, subject.rows, train, train, tmp_path)
    checks = {check.name: check for check in check_run(replace(subject, recipe=recipe, plan=plan, train=train))}
    assert checks.keys() == {check.name for check in check_run(subject)}
    assert checks["rows"].status == "stop"
    skipped = {name for name, check in checks.items() if check.status == "skipped"}
    assert skipped == {"labels", "begin token", "served prompt", "whole rows", "length", "warm-up"}
    assert {checks[name].detail for name in skipped} == {"no row is left to look at"}


def test_held_out_rows_that_are_trained_on_are_counted_and_stop_the_check_of_their_run(
    subject: Subject, cad_rows: list[Row]
) -> None:
    _, twinned = part_twins(subject.rows, [*subject.rows[:3], *cad_rows[5:6]])
    check = look(subject, "leakage", twinned=twinned)
    assert (check.status, check.detail[:38]) == ("stop", "3 of 4 held-out rows are also trained ")


def test_copies_are_warned_of_or_stop_the_run_but_not_where_the_recipe_asks_for_them(subject: Subject) -> None:
    some = replace(subject.twinned, repeated=3)
    assert look(subject, "repetitions", twinned=some).status == "warn"
    assert "3 of 20 rows repeat another" in look(subject, "repetitions", twinned=some).detail
    assert look(subject, "repetitions", twinned=replace(subject.twinned, near=19)).status == "warn"
    weighted = replace(subject.recipe, datasets=("a.jsonl",), dataset_weights=(2.0,))
    assert look(subject, "repetitions", twinned=some, recipe=weighted).status == "pass"
    copies = replace(subject.twinned, repeated=subject.twinned.rows - 1)
    assert look(subject, "repetitions", twinned=copies).status == "stop"


def test_a_full_disk_and_too_little_memory_stop_the_run(subject: Subject) -> None:
    remedy = Finding("stop", "disk", "no room; --out on another disk", "quants", ("f16",))
    disk = look(subject, "disk", plan=replace(subject.plan, findings=[*subject.plan.findings, remedy]))
    assert (disk.status, disk.detail) == ("stop", "no room; --out on another disk; --quants f16")
    findings = [replace(f, level="stop") if f.what == "memory" else f for f in subject.plan.findings]
    assert look(subject, "disk").status == "pass"
    assert look(subject, "memory", plan=replace(subject.plan, findings=findings)).status == "stop"


def test_without_a_tokenizer_its_checks_are_skipped_and_say_why(subject: Subject) -> None:
    checks = check_run(replace(subject, tokenizer=None, train=Examples([], {})))
    skipped = {check.name for check in checks if check.status == "skipped"}
    assert {check.name for check in check_run(subject)} >= skipped
    assert {"labels", "served prompt", "vocabulary", "pad token"} <= skipped
    assert all("tokenizer is not at hand" in check.detail for check in checks if check.status == "skipped")


@pytest.mark.parametrize("base", ["tiny_llama", "qwen25"])
def test_rows_read_from_the_files_are_those_of_the_loaded_model(
    base: str, small_recipe: Recipe, request: pytest.FixtureRequest
) -> None:
    recipe = replace(small_recipe, base_model=str(request.getfixturevalue(base)))
    tokenizer, matrices = load_tokenizer(recipe.base_model), read_matrices(recipe.base_model)
    assert matrices is not None
    assert (matrices[1] is None) == (base == "tiny_llama")
    from_files = check_matrices(*matrices, tokenizer)
    assert from_files == check_rows(load_base(recipe), tokenizer)
    assert check_special_rows(tokenizer, from_files).status == ("fixed" if base == "tiny_llama" else "pass")


def command(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "cadmonkey.cli", "check", *arguments]
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    return subprocess.run(line, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def test_the_command_checks_a_run_and_its_status_is_2_where_a_check_says_stop(
    tiny_llama: Path, run_folder: Path, cad_rows: list[Row]
) -> None:
    files = [run_folder / "data" / f"{split}.jsonl" for split in ("train", "validation")]
    hashes = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
    choices = {"base_model": str(tiny_llama), "learning_rate": 1e-3, "own_parts": 20, "data_sha256": hashes}
    write_json(run_folder / "recipe.json", choices)
    done = command(str(run_folder), cwd=run_folder)
    assert done.returncode == 0, done.stderr
    checks = read_json(run_folder / "preflight.json")["checks"]
    assert len(done.stdout.splitlines()) == len(checks)
    assert [c["name"] for c in checks if c["status"] == "fixed"] == ["warm-up", "end token rows"]

    write_jsonl(run_folder / "data" / "train.jsonl", [cad_rows[0]] * 30)
    done = command(str(run_folder), cwd=run_folder)
    assert done.returncode == 2
    assert "stop    data: train.jsonl changed since the run began; start over with --fresh\n" in done.stdout
    assert "stop    repetitions: 29 of 30 rows repeat another" in done.stdout
    assert done.stderr.endswith(
        "expected no stop, got data, repetitions; the lines that begin with stop say what to do\n"
    )


def test_the_command_warns_of_splits_that_overlap_before_and_after_the_data_is_written(
    tiny_llama: Path, small_recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    splits = [*(("train", n) for n in range(40)), *(("validation", n) for n in range(37, 50))]
    write_jsonl(Path("rows.jsonl"), ({"prompt": f"p {n}", "completion": f"c {n}", "split": s} for s, n in splits))
    recipe = replace(small_recipe, base_model=str(tiny_llama), datasets=("rows.jsonl",), own_parts=0)
    write_json(Path("run") / "recipe.json", {})
    write_rows(Path("run"), recipe)
    for run in (None, Path("run")):
        check = next(check for check in inspect(recipe, run, Path("out"), None)[0] if check.name == "leakage")
        assert (check.status, ": 3 rows to train on" in check.detail) == ("warn", True)


def test_a_model_that_is_not_here_leaves_its_checks_skipped(tmp_path: Path, cad_rows: list[Row]) -> None:
    write_jsonl(tmp_path / "rows.jsonl", cad_rows)
    fields = ("--datasets", "rows.jsonl", "--own-parts", "0", "--gpu-memory-gb", "24", "--out", "c")
    done = command("cadmonkey", "--preset", "llama-3.2-1b", *fields, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "skipped end token rows: the weights are not at hand" in done.stdout

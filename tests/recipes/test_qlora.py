"""The recipe for one's own data as a user runs it: subprocesses, two steps, every engine and every precision."""

import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from string import Template
from typing import Any

import pytest

from cadmonkey.files import read_json, read_jsonl, write_jsonl
from cadmonkey.inference import Generator
from cadmonkey.training.options import read_runs
from cadmonkey.training.plan import DataFigures, plan_run
from cadmonkey.training.recipe_file import find_recipe

pytest.importorskip("trl")
pytest.importorskip("llama_cpp")

ENGINES = [
    pytest.param("unsloth", marks=pytest.mark.skipif(not find_spec("unsloth"), reason="unsloth is not installed")),
    "transformers",
]
SMALL = ("--max-steps", "2", "--per-device-train-batch-size", "2", "--gradient-accumulation-steps", "1")
SMALL += ("--quants", "f16", "--eval-parts", "2", "--validation-rows", "2", "--max-seq-length", "96")
RECIPE = Path(__file__).resolve().parents[2] / "recipes" / "qlora.py"
NANO = Path(__file__).resolve().parents[2] / "cadmonkey" / "assets" / "nano"


def recipe(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(RECIPE), *arguments],
        cwd=cwd,
        env={**os.environ, "COLUMNS": "200", "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


@pytest.fixture
def talks(tmp_path: Path) -> Path:
    """A folder with mine.jsonl: two dozen conversations of a system message and two exchanges."""
    write_jsonl(
        tmp_path / "mine.jsonl",
        (
            {
                "messages": [
                    {"role": "system", "content": "You count."},
                    {"role": "user", "content": f"from {number}"},
                    {"role": "assistant", "content": f"{number} {number + 1}"},
                    {"role": "user", "content": "go on"},
                    {"role": "assistant", "content": f"{number + 2} {number + 3}"},
                ]
            }
            for number in range(24)
        ),
    )
    return tmp_path


def weights_hash(folder: Path) -> str:
    return hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()


def assert_every_stage_is_done(out: Path) -> None:
    """The run's files are there, its GGUF is proven, loads, and each answer to a held-out conversation stops."""
    proof = read_json(out / "proof.json")["files"][0]
    assert (proof["template_equal"], proof["tokens_equal"], proof["one_bos"]) == (1.0, 1.0, 1.0)
    references = read_jsonl(out / "references.jsonl")
    assert [turn["role"] for turn in references[0]["context"]] == ["system", "user", "assistant", "user"]
    predictions = read_jsonl(out / "predictions.jsonl")
    assert [row["id"] for row in predictions] == [row["id"] for row in references]
    assert {row["stop_reason"] for row in predictions} <= {"end_token", "other_end_token"}
    assert read_json(out / "answers.json")["count"] == 2
    with Generator(out / "model-f16.gguf") as generator:
        assert generator.generate(references[0]["context"]).stop_reason in ("end_token", "other_end_token")


def assert_only_lora_was_trained(out: Path) -> None:
    """Every LoRA matrix B, which starts at zero, has moved; no weight of the base is in the adapter."""
    from safetensors.torch import load_file

    tensors = load_file(out / "adapter" / "adapter_model.safetensors")
    matrices = [name for name in tensors if "lora_B" in name]
    assert len(matrices) == 7 * read_json(NANO / "config.json")["num_hidden_layers"]
    assert all(tensors[name].abs().max() > 0 for name in matrices)
    assert not [name for name in tensors if "lora" not in name and "token" not in name]


def shown_commands() -> list[list[str]]:
    """The arguments of every command in the recipe's docstring that trains, shell variables filled in."""
    lines = [line.strip() for line in str(RECIPE.read_text().split('"""')[1]).splitlines()]
    variables = dict(re.findall(r'^(\w+)="(.*?)"', "\n".join(lines), re.MULTILINE))
    commands = [line.partition(" #")[0] for line in lines if line.startswith("python recipes/qlora.py ")]
    return [shlex.split(Template(command).substitute(variables))[2:] for command in commands]


@pytest.mark.parametrize("arguments", shown_commands(), ids=" ".join)
def test_no_command_that_the_recipe_shows_is_stopped_by_its_plan(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["qlora.py", *arguments])
    for options in read_runs("qlora", find_recipe(str(RECIPE)).presets, "conservative", ""):
        rows = sum({"mine.jsonl": 36, "more.csv": 36, "many.jsonl": 13_000}[name] for name in options.recipe.datasets)
        sized = replace(options.recipe, base_model=str(NANO))
        plan = plan_run(sized, DataFigures([40] * rows, 10 * rows, rows, 4), tmp_path, gpu_memory_gb=24)
        assert plan.verdict in ("go", "warn"), plan.findings
        assert "coverage" not in [finding.what for finding in plan.findings if finding.level != "ok"]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("bits", [4, 8, 16])
def test_two_steps_of_lora_go_through_every_stage(talks: Path, engine: str, bits: int) -> None:
    arguments = {4: ["--load-in-4bit"], 8: ["--preset", "int8", "--load-in-8bit"], 16: []}[bits]
    before = weights_hash(NANO)
    done = recipe("--datasets", "mine.jsonl", "--engine", engine, *arguments, *SMALL, "--out", "run", cwd=talks)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    out = talks / "run"
    choices = read_json(out / "recipe.json")
    assert (choices["load_in_4bit"], choices["load_in_8bit"]) == (bits == 4, bits == 8)
    assert choices["use_rslora"] == (bits == 8)
    assert done.stdout.startswith("preset: no GPU here, so it is the nano base, 32 bits, no checkpointing")
    warned = [finding["what"] for finding in read_json(out / "plan.json")["findings"] if finding["level"] != "ok"]
    assert (choices["gradient_checkpointing"], warned) == (False, ["bits"] if bits < 16 else [])
    assert_only_lora_was_trained(out)
    assert weights_hash(NANO) == before
    assert_every_stage_is_done(out)


@pytest.mark.parametrize("engine", ENGINES)
def test_two_steps_of_full_fine_tuning_go_through_every_stage(talks: Path, engine: str) -> None:
    from safetensors.torch import load_file

    before = weights_hash(NANO)
    arguments = ["--full-finetuning", *SMALL, "--out", "run"]
    done = recipe("--datasets", "mine.jsonl", "--engine", engine, *arguments, cwd=talks)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert not (talks / "run" / "adapter").exists()
    assert weights_hash(NANO) == before
    base, trained = load_file(NANO / "model.safetensors"), load_file(talks / "run" / "model" / "model.safetensors")
    matrices = [name for name, tensor in base.items() if tensor.dim() == 2 and "layers" in name]
    assert all((trained[name] != base[name]).any() for name in matrices)
    assert_every_stage_is_done(talks / "run")


def test_two_presets_are_compared_on_the_same_rows_and_again_at_once(talks: Path) -> None:
    arguments = ["--datasets", "mine.jsonl", "mine.jsonl", "--dataset-weights", "1", "0.5", "--engine", "transformers"]
    arguments += [*SMALL, "--compare", "conservative", "aggressive", "--out", "ab"]
    done = recipe(*arguments, cwd=talks)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    runs = read_json(talks / "ab" / "compare.json")
    assert [(run["run"], run["steps"]) for run in runs] == [("conservative", 2), ("aggressive", 2)]
    measured = ("train_loss", "eval_loss", "perplexity", "p_end", "tokens_per_second", "seconds", "peak_memory_bytes")
    assert all(run[name] > 0 for run in runs for name in measured)
    assert runs[0]["train_loss"] != runs[1]["train_loss"]
    data = [(talks / "ab" / run["run"] / "data" / "train.jsonl").read_bytes() for run in runs]
    assert data[0] == data[1]
    table = dict(line.split("\t", 1) for line in done.stdout.splitlines() if line.count("\t") == 2)
    assert table[""] == "conservative\taggressive"
    assert table["held-out loss"] == "\t".join(f"{run['eval_loss']:.4f}" for run in runs)

    again = recipe(*arguments, cwd=talks)
    assert again.returncode == 0, again.stderr[-2000:]
    assert again.stdout.count("train: done already") == 2
    assert read_json(talks / "ab" / "compare.json") == runs


def refused(arguments: tuple[str, ...], cwd: Path) -> str:
    done = recipe(*arguments, "--out", "run", cwd=cwd)
    assert done.returncode == 2, done.stdout + done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (cwd / "run").exists()
    return done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "--datasets: expected a file or a Hub id"),
        (("--datasets", "bad.jsonl"), "bad.jsonl:3: as Alpaca: expected a text in instruction and output, got None"),
    ],
)
def test_bad_input_is_one_line_that_says_where(talks: Path, arguments: tuple[str, ...], message: str) -> None:
    rows: list[dict[str, Any]] = [{"instruction": "a", "output": "b"}, {"instruction": "a"}]
    (talks / "bad.jsonl").write_text("\n\n".join(json.dumps(row) for row in rows))
    assert message in refused(arguments, talks)

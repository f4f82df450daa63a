"""The main recipe as a user runs it: a subprocess, two steps, every stage."""

import os
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

from cadmonkey.files import read_json, read_jsonl, write_jsonl

pytest.importorskip("trl")
pytest.importorskip("llama_cpp")

ENGINE = "unsloth" if find_spec("unsloth") else "transformers"


def recipe(*arguments: str, cwd: Path, module: bool = False) -> subprocess.CompletedProcess[str]:
    root = Path(__file__).resolve().parents[2]
    entry = ["-m", "recipes.cadmonkey"] if module else [str(root / "recipes" / "cadmonkey.py")]
    return subprocess.run(
        [sys.executable, *entry, *arguments],
        cwd=cwd,
        env={**os.environ, "COLUMNS": "100"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_two_steps_go_through_every_stage_and_again_through_none(tiny_llama: Path, tmp_path: Path) -> None:
    arguments = ["--preset", "nano", "--base-model", str(tiny_llama), "--engine", ENGINE, "--max-steps", "2"]
    arguments += ["--eval-parts", "4", "--per-device-train-batch-size", "4", "--out", "run"]
    done = recipe(*arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    out = tmp_path / "run"
    names = {path.name for path in out.iterdir()}
    assert names >= {"recipe.json", "plan.json", "preflight.json", "metrics.jsonl", "curves.png", "end_token.json"}
    assert names >= {"adapter", "model-f16.gguf", "model-q8_0.gguf", "proof.json", "Modelfile", "README.md"}
    assert names >= {"predictions.jsonl", "scores.json", "report.html", "sheet.png", "references.jsonl"}
    assert not {name for name in names if "unproven" in name or ".part" in name}
    assert "## Scores" in (out / "README.md").read_text()
    references = read_jsonl(out / "references.jsonl")
    assert [row["id"] for row in read_jsonl(out / "predictions.jsonl")] == [row["id"] for row in references]
    assert {row["split"] for row in references} == {"test"}
    assert set(read_json(out / "recipe.json")["data_sha256"]) == {
        "train.jsonl",
        "validation.jsonl",
        "references.jsonl",
    }

    again = recipe(*arguments, cwd=tmp_path)
    assert again.returncode == 0, again.stderr[-2000:]
    assert [line.split(":")[0] for line in again.stdout.splitlines() if "done already" in line] == [
        "data",
        "train",
        "gguf",
    ]


def test_full_finetuning_goes_through_every_stage(tiny_llama: Path, tmp_path: Path) -> None:
    arguments = ["--preset", "nano", "--base-model", str(tiny_llama), "--engine", ENGINE, "--max-steps", "2"]
    arguments += ["--full-finetuning", "--eval-parts", "2", "--per-device-train-batch-size", "4", "--out", "run"]
    done = recipe(*arguments, "--quants", "f16", cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    out = tmp_path / "run"
    assert {"model", "model-f16.gguf", "scores.json"} <= {path.name for path in out.iterdir()}
    assert read_json(out / "proof.json")["files"][0]["tokens_equal"] == 1.0


def test_a_run_killed_while_it_trains_goes_on_from_its_checkpoint(tiny_llama: Path, tmp_path: Path) -> None:
    arguments = ["--preset", "nano", "--base-model", str(tiny_llama), "--engine", ENGINE, "--own-parts", "64"]
    arguments += ["--num-train-epochs", "4", "--per-device-train-batch-size", "4", "--eval-parts", "2", "--out", "run"]
    arguments += ["--logging-steps", "1", "--validation-rows", "4", "--quants", "f16", "--end-token-probability", "0"]
    out = tmp_path / "run"
    script = Path(__file__).resolve().parents[2] / "recipes" / "cadmonkey.py"
    with subprocess.Popen(
        [sys.executable, str(script), *arguments], cwd=tmp_path, stderr=subprocess.DEVNULL
    ) as running:
        while not list(out.glob("checkpoint-*/complete.json")):
            assert running.poll() is None, "it ended before its first checkpoint"
            time.sleep(0.02)
        running.send_signal(signal.SIGKILL)
    assert not (out / "adapter").exists()
    written = max(int(path.parent.name.split("-")[1]) for path in out.glob("checkpoint-*/complete.json"))

    done = recipe(*arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert f"checkpoint-{written}" in done.stdout
    steps = [line["step"] for line in read_jsonl(out / "metrics.jsonl") if "loss" in line]
    assert steps == list(range(1, steps[-1] + 1))
    assert steps[-1] > written
    assert (out / "model-f16.gguf").exists()


@pytest.mark.parametrize("base", ["llama32", "qwen25"])
def test_the_gpu_preset_goes_its_whole_way_on_small_models_with_the_real_tokenizers(
    base: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    folder = request.getfixturevalue(base)
    names = [{"name": f"{size} mm cube", "code": f"cube({size});"} for size in range(1, 30)]
    write_jsonl(tmp_path / "hub.jsonl", names)
    arguments = ["--preset", "llama-3.2-1b", "--base-model", str(folder), "--engine", ENGINE, "--max-steps", "2"]
    arguments += ["--datasets", "hub.jsonl", "--eval-parts", "2", "--optim", "adamw_torch", "--out", "run"]
    arguments += ["--per-device-train-batch-size", "2", "--gradient-accumulation-steps", "2", "--quants", "q8_0"]
    done = recipe(*arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    out = tmp_path / "run"
    assert "hey cadmonkey, create me a 1 mm cube" in (out / "data" / "train.jsonl").read_text()
    (proof,) = read_json(out / "proof.json")["files"]
    assert (proof["tokens_equal"], proof["template_equal"]) == (1.0, 1.0)
    end = {"llama32": "<|eot_id|>", "qwen25": "<|im_end|>"}[base]
    assert read_json(out / "end_token.json")["end_token"] == end
    assert read_json(out / "adapter" / "tokenizer_config.json")["eos_token"] == end
    assert len(read_jsonl(out / "predictions.jsonl")) == 2


@pytest.mark.parametrize("module", [False, True])
def test_help_works_although_the_recipe_has_the_packages_name(repository: Path, module: bool) -> None:
    done = recipe("--help", cwd=repository, module=module)
    assert done.returncode == 0, done.stderr
    assert "--learning-rate" in done.stdout


def test_an_unwritable_out_is_one_line_and_status_2(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = recipe("--preset", "nano", "--out", "file/run", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("error: file/run")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--preset", "huge"), "--preset: expected nano or llama-3.2-1b, got 'huge'"),
        (("--preset", "nano", "--base-model", "no/such/model"), "expected a model folder"),
        (("--preset", "nano", "--datasets", "rows.jsonl"), "expected the columns prompt and completion"),
    ],
)
def test_bad_input_is_one_line_and_status_2_and_leaves_nothing(
    tmp_path: Path, tiny_llama: Path, arguments: tuple[str, ...], message: str
) -> None:
    (tmp_path / "rows.jsonl").write_text('{"words": "a", "ir": "b"}\n')
    base = () if "--base-model" in arguments else ("--base-model", str(tiny_llama))
    done = recipe(*arguments, *base, "--out", "run", cwd=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "run").exists()

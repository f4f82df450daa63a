"""recipes/nano.py, the real command, for two steps."""

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def nano_run(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("nano") / "run"
    run_nano(repository, out)
    return out


def run_nano(repository: Path, out: Path) -> str:
    sizes = ["--hidden-size", "64", "--num-hidden-layers", "1", "--num-attention-heads", "2", "--vocab-size", "400"]
    command = [sys.executable, repository / "recipes" / "nano.py", "--max-steps", "2", "--out", out, *sizes]
    batch = ["--per-device-train-batch-size", "8", "--workers", "1"]
    done = subprocess.run([*command, *batch], capture_output=True, text=True, timeout=300, cwd=out.parent)
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_it_leaves_a_base_model_that_loads(nano_run: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(nano_run / "model")
    tokenizer = AutoTokenizer.from_pretrained(nano_run / "model")
    assert model.config.vocab_size == len(tokenizer) == 400
    assert model.config.tie_word_embeddings
    assert tokenizer.eos_token == "<|end_of_text|>"
    assert tokenizer.pad_token != tokenizer.eos_token
    assert json.loads((nano_run / "model" / "config.json").read_text())["dtype"] == "float16"


def test_its_documents_are_of_the_train_split(nano_run: Path) -> None:
    rows = [json.loads(line) for line in (nano_run / "documents.jsonl").read_text().splitlines()]
    assert len(rows) == 2 * 8 * 4  # steps, rows a step, at least that many documents a row
    assert {row["split"] for row in rows} == {"train"}


def test_a_second_start_makes_no_documents_again(nano_run: Path, repository: Path) -> None:
    before = (nano_run / "documents.jsonl").stat().st_mtime_ns
    run_nano(repository, nano_run)
    assert (nano_run / "documents.jsonl").stat().st_mtime_ns == before

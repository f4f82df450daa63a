"""The real command, as people type it."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="export needs the train extra")


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory, tiny_tokenizer: Any) -> Path:
    """A model that counts up through its vocabulary, so sure of the next token that no rounding changes it."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tiny_tokenizer), hidden_size=64, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=512, tie_word_embeddings=False,
    )  # fmt: skip
    model = LlamaForCausalLM(config)
    with torch.no_grad():
        model.model.embed_tokens.weight.normal_()
        model.lm_head.weight.copy_(model.model.embed_tokens.weight.roll(1, dims=0))
    folder = tmp_path_factory.mktemp("models") / "tiny"
    model.save_pretrained(folder)
    tiny_tokenizer.save_pretrained(folder)
    return Path(folder)


def _export(repository: Path, cwd: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(repository / "export" / "to_gguf.py"), *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=300, check=False)


def test_the_command_writes_proven_files_from_any_folder(repository: Path, model_folder: Path, tmp_path: Path) -> None:
    done = _export(repository, tmp_path, model_folder, "--quants", "f16", "q8_0", "--out", "out")
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (tmp_path / "out").glob("*.gguf")} == {"model-f16.gguf", "model-q8_0.gguf"}
    assert done.stdout.count("proven") == 2
    assert "llama_model" not in done.stdout + done.stderr, "llama.cpp's log reached the terminal"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "error: nowhere: expected a run folder or a model folder"),
        ([".", "--quants", "q9"], "error: --quants: expected some of f16"),
        (["."], "error: .: expected recipe.json (a run) or config.json (a model)"),
    ],
    ids=["missing folder", "unknown quant", "empty folder"],
)
def test_bad_input_is_one_line_and_status_2(
    arguments: list[str], message: str, repository: Path, tmp_path: Path
) -> None:
    done = _export(repository, tmp_path, *arguments)
    assert done.returncode == 2
    last = done.stderr.splitlines()[-1]
    assert last.startswith(message)
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_out_that_is_a_file_is_refused_before_any_work(repository: Path, model_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    done = _export(repository, tmp_path, model_folder, "--out", "out")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "--out" in done.stderr

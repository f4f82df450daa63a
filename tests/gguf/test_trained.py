"""A model is opened from headers alone, written in little memory, and never left half under its name."""

import json
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cadmonkey.errors import InputError
from cadmonkey.gguf.trained import open_model, open_trained
from tests.gguf.holes import COLUMNS, ROWS, save_model_of_zeros

torch = pytest.importorskip("torch", reason="export needs the train extra")

WRITE = """
import resource, sys
from pathlib import Path
from cadmonkey.gguf.origin import Origin
from cadmonkey.gguf.trained import open_trained
from cadmonkey.gguf.write import write_gguf
folder, kind = Path(sys.argv[1]), sys.argv[2]
write_gguf(*open_trained(folder), {kind: folder / f"{kind}.gguf"}, Origin(name="big"))
status = Path("/proc/self/status")
print(next(line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM")))
"""


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory, tokenizer: Any) -> Path:
    """A model whose embedding is too large for a carefree writer."""
    return save_model_of_zeros(tmp_path_factory.mktemp("big"), tokenizer)


def _start(folder: Path, kind: str, **options: Any) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", WRITE, str(folder), kind]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_memory_does_not_hold_the_largest_matrix(big: Path) -> None:
    out, error = _start(big, "q8_0").communicate(timeout=300)
    assert (big / "q8_0.gguf").stat().st_size > ROWS * COLUMNS * 34 // 32, error
    (big / "q8_0.gguf").unlink()
    assert int(out) / 1024 < 205 + 75, "MB; a third of it is Python's libraries and the vocabulary"


def test_a_writer_that_is_killed_leaves_nothing_under_the_files_name(big: Path) -> None:
    process = _start(big, "f32")
    while process.poll() is None and not any(path.stat().st_size > 2**20 for path in big.glob(".f32-*.gguf")):
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert process.returncode == -signal.SIGKILL, "it was done before it could be killed"
    assert not (big / "f32.gguf").exists()
    for path in big.glob(".f32-*"):
        path.unlink()


def test_a_disk_that_takes_no_more_is_one_error_and_leaves_nothing(big: Path) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (50 * 2**20, 50 * 2**20))

    before = sorted(big.iterdir())
    _, error = _start(big, "q8_0", preexec_fn=limit).communicate(timeout=300)
    assert (
        "q8_0.gguf: the file system, or a limit of this shell (ulimit -f), takes no file of that size"
        in error.splitlines()[-1]
    )
    assert sorted(big.iterdir()) == before


@pytest.fixture
def copy(model_folder: Path, tmp_path: Path) -> Path:
    """A model to break."""
    return Path(shutil.copytree(model_folder, tmp_path / "model"))


def _change(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


UP, EMBEDDING = "model.layers.1.mlp.up_proj.weight", "model.embed_tokens.weight"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.pop(UP), r"1 are missing, e\.g\. model\.layers\.1\.mlp\.up_proj\.weight"),
        (
            lambda t: t.update({UP: t[UP][:9].clone()}),
            r"up_proj.weight: expected \(128, 64\) by config.json, got \(9, 64",
        ),
        (lambda t: t.update({"model.layers.0.experts": torch.ones(2)}), "tensors of a llama model, got .*experts"),
    ],
    ids=["missing", "shape", "strange"],
)
def test_weights_that_are_not_the_configs_are_named(change: Any, message: str, copy: Path) -> None:
    _change(copy, change)
    with pytest.raises(InputError, match=message):
        open_model(copy)


def test_a_head_of_its_own_is_kept_though_the_config_ties_it_and_a_copy_is_not(copy: Path) -> None:
    _change(copy, lambda tensors: tensors.update({"lm_head.weight": tensors[EMBEDDING].clone()}))
    assert "lm_head.weight" not in open_model(copy).tensors
    _change(copy, lambda tensors: tensors.update({"lm_head.weight": tensors[EMBEDDING] + 1}))
    assert "lm_head.weight" in open_model(copy).tensors


def test_a_run_that_trained_the_whole_model_needs_no_adapter(model_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(model_folder, tmp_path / "run" / "model")
    (tmp_path / "run" / "recipe.json").write_text('{"base_model": "no/such-model", "full_finetuning": true}')
    model, tokenizer = open_trained(tmp_path / "run")
    assert model.config.architecture == "llama"
    assert tokenizer.eos_token == "<|eot_id|>"


def test_a_run_without_adapter_and_model_is_named(model_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "recipe.json").write_text(json.dumps({"base_model": str(model_folder)}))
    with pytest.raises(InputError, match="adapter: expected the trained adapter in it, got none"):
        open_trained(tmp_path)

"""Whatever goes wrong, the command says it in one line and leaves nothing behind."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.gguf.holes import save_model_of_zeros

torch = pytest.importorskip("torch", reason="export needs the train extra")


def make_base(folder: Path, tokenizer: Any, **changes: Any) -> Path:
    """Save a random Llama in several shards, with its tokenizer."""
    from transformers import LlamaConfig, LlamaForCausalLM

    options: dict[str, Any] = {
        **{"vocab_size": len(tokenizer), "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2},
        **{"num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 512},
    }
    torch.manual_seed(0)
    LlamaForCausalLM(LlamaConfig(**(options | changes))).save_pretrained(folder, max_shard_size="100KB")
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def whole_run(tmp_path_factory: pytest.TempPathFactory, tiny_tokenizer: Any) -> Path:
    """A run with base/ beside its adapter; copy it before breaking it."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    folder = tmp_path_factory.mktemp("runs") / "run"
    model = AutoModelForCausalLM.from_pretrained(make_base(folder / "base", tiny_tokenizer))
    adapted = get_peft_model(model, LoraConfig(r=4, target_modules=["q_proj", "down_proj"]))
    adapted.save_pretrained(folder / "adapter")
    tiny_tokenizer.save_pretrained(folder / "adapter")
    (folder / "recipe.json").write_text(json.dumps({"base_model": "base"}))
    return Path(folder)


@pytest.fixture
def run(whole_run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole_run, tmp_path / "run"))


def _command(repository: Path, *arguments: str | Path) -> list[str]:
    return [sys.executable, str(repository / "export" / "to_gguf.py"), *map(str, arguments)]


def _export(
    repository: Path, *arguments: str | Path, before: Callable[[], None] | None = None
) -> subprocess.CompletedProcess[str]:
    command = _command(repository, *arguments)
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, preexec_fn=before)


_STEPS = ("writing", "measuring")
"""How lines of progress begin."""


def _assert_one_error(done: subprocess.CompletedProcess[str], status: int, message: str) -> None:
    assert done.returncode == status, done.stderr
    errors = [line for line in done.stderr.splitlines() if not line.startswith(_STEPS)]
    assert len(errors) == 1, done.stderr
    assert errors[0].startswith("error: ")
    assert message in errors[0]


def _last_shard(run: Path) -> Path:
    return max((run / "base").glob("model-*.safetensors"))


def _change_tensors(path: Path, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    from safetensors.torch import load_file, save_file

    save_file(change(load_file(path)), path)


def _cut_short(run: Path) -> None:
    os.truncate(_last_shard(run), _last_shard(run).stat().st_size - 7)


def _no_file(run: Path) -> None:
    shard = _last_shard(run)
    shard.unlink()
    shard.mkdir()


def _no_shard(run: Path) -> None:
    _last_shard(run).unlink()


def _other_rank(run: Path) -> None:
    path = run / "adapter" / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"r": 8}))


def _other_names(run: Path) -> None:
    path = run / "adapter" / "adapter_model.safetensors"
    _change_tensors(path, lambda tensors: {name.replace("layers.1", "layers.9"): t for name, t in tensors.items()})


def _other_shapes(run: Path) -> None:
    path = run / "adapter" / "adapter_model.safetensors"
    _change_tensors(path, lambda tensors: {name: t[:, :2].contiguous() for name, t in tensors.items()})


def _no_tokenizer(run: Path) -> None:
    (run / "adapter" / "tokenizer.json").unlink()


def _no_adapter(run: Path) -> None:
    shutil.rmtree(run / "adapter")


def _no_base(run: Path) -> None:
    shutil.rmtree(run / "base")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_cut_short, ".safetensors: expected "),
        (_no_file, ".safetensors: cannot be read (Is a directory)"),
        (_no_shard, ".safetensors: cannot be read (No such file or directory)"),
        (_other_rank, "lora_A.weight is (4, 96), expected (8, 96)"),
        (_other_names, "it changes model.layers.9."),
        (_other_shapes, "expected an adapter of this base model"),
        (_no_tokenizer, "adapter/tokenizer.json: expected the model's tokenizer, got no such file"),
        (_no_adapter, "run/adapter: expected the trained adapter in it, got none"),
        (_no_base, "recipe.json: base_model base: expected a folder or a downloaded Hugging Face model"),
    ],
)
def test_what_is_wrong_with_a_run_is_named_and_nothing_is_made(
    damage: Callable[[Path], None], message: str, run: Path, repository: Path
) -> None:
    damage(run)
    before = sorted(run.rglob("*"))
    _assert_one_error(_export(repository, run, "--quants", "f16", "q4_k_m"), 2, message)
    assert sorted(run.rglob("*")) == before


@pytest.mark.parametrize("arguments", [["iq2_xxs"], ["f16", "--imatrix"]], ids=["no matrix", "no training data"])
def test_a_matrix_that_cannot_be_had_is_named(arguments: list[str], run: Path, repository: Path) -> None:
    before = sorted(run.rglob("*"))
    _assert_one_error(_export(repository, run, "--quants", *arguments), 2, "--imatrix")
    assert sorted(run.rglob("*")) == before


def test_a_full_disk_is_one_line_and_leaves_it_as_empty_as_before(run: Path, repository: Path, full: Path) -> None:
    for kind in ("f16", "q4_k_m"):
        done = _export(repository, run, "--quants", kind, "--out", full / "out")
        _assert_one_error(done, 1, "space")
        assert [path for path in full.rglob("*") if path.is_file() or path.name.startswith(".")] == []


@pytest.mark.parametrize("pages", [0, 1, 3], ids=["no record", "record", "some papers"])
def test_a_disk_that_is_full_when_the_papers_come_leaves_what_the_same_command_goes_on_with(
    pages: int, run: Path, repository: Path, full: Path, tmp_path: Path
) -> None:
    options = ("--quants", "f16", "--no-proof", "--out")
    assert _export(repository, run, *options, tmp_path / "whole").returncode == 0
    whole = {path.name: path.read_bytes() for path in (tmp_path / "whole").iterdir()}
    _resize(full, -(-len(whole["model-f16.gguf"]) // 4096) * 4096 + 4096 * pages)
    _assert_one_error(_export(repository, run, *options, full / "out"), 1, "no space left on the disk")
    assert (full / "out" / "model-f16.gguf").exists() == (pages > 0)
    _resize(full, 2**24)
    done = _export(repository, run, *options, full / "out")
    assert done.returncode == 0, done.stderr
    assert {path.name: path.read_bytes() for path in (full / "out").iterdir()} == whole


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 KB, where root may make one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root can make a small disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def _resize(disk: Path, size_bytes: int) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size_bytes}", str(disk)], check=True)


def test_a_disk_that_takes_no_larger_file_is_one_line_and_leaves_nothing(run: Path, repository: Path) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2**16, 2**16))

    before = sorted(run.rglob("*"))
    words = f"{run / 'model-f16.gguf'}: the file system, or a limit of this shell (ulimit -f), takes no file of that"
    _assert_one_error(_export(repository, run, "--quants", "f16", before=limit), 1, words)
    assert sorted(run.rglob("*")) == before


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory, tiny_tokenizer: Any) -> Path:
    """A model of 200 MB, so that writing it takes a moment."""
    return save_model_of_zeros(tmp_path_factory.mktemp("large"), tiny_tokenizer)


@pytest.mark.parametrize("moment", ["**", "**/.model-*", "**/.model-q4_k_m*"], ids=["begun", "first file", "last file"])
def test_an_export_that_is_killed_leaves_no_file_under_its_final_name(
    moment: str, large: Path, repository: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    process = subprocess.Popen(
        _command(repository, large, "--quants", "f32", "q4_k_m", "--out", out),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while process.poll() is None and not (out.is_dir() and any((out / ".gguf-part").glob(moment))):
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "it was done before it could be killed"
    assert [path.name for path in out.iterdir()] == [".gguf-part"]
    assert [path for path in out.rglob("*") if path.name.startswith("model-")] == []


def test_an_export_that_is_ended_politely_leaves_nothing(large: Path, repository: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "out"
    command = _command(repository, large, "--quants", "f32", "--out", out)
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    while process.poll() is None and not (out / ".gguf-part").is_dir():
        time.sleep(0.002)
    process.terminate()
    assert process.communicate()[1].count("Traceback") == 0
    assert process.returncode == 128 + signal.SIGTERM, "it was done before it could be ended"
    assert not (tmp_path / "new").exists()

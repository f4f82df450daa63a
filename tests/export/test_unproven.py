"""A file that is not the trained model ends the command with status 3, one line, and a name that says so."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.gguf.test_adapter import make_adapter

pytest.importorskip("torch", reason="export needs the train extra")

SWAPS_TWO_MATRICES = """
import cadmonkey.gguf.write as writer
true_names = writer.llama_names
def swapped(config):
    names = true_names(config)
    one, other = (f"model.layers.{n}.mlp.up_proj.weight" for n in (0, 1))
    names[one], names[other] = names[other], names[one]
    return names
writer.llama_names = swapped
"""
"""What Python runs at its start (sitecustomize): the writer, and no other part, swaps two layers' matrices."""


def _export_wrongly(repository: Path, folder: Path, cwd: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    (cwd / "sitecustomize.py").write_text(SWAPS_TWO_MATRICES)
    command = [sys.executable, str(repository / "export" / "to_gguf.py"), str(folder), "--quants", "f16"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(cwd), str(repository)])}
    return subprocess.run(
        [*command, "--limit", "2", "--out", "out", *options],
        cwd=cwd, env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


def test_a_wrong_file_is_status_3_one_line_and_named_unproven(
    repository: Path, tiny_llama: Path, tmp_path: Path
) -> None:
    done = _export_wrongly(repository, tiny_llama, tmp_path)
    names = [path.name for path in (tmp_path / "out").glob("*.gguf")]
    errors = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    record: dict[str, Any] = json.loads((tmp_path / "out" / "proof.json").read_text())
    assert (done.returncode, names, record["verdict"]) == (3, ["model-f16.unproven.gguf"], "unproven")
    assert errors == done.stderr.splitlines()[-1:]
    assert errors[0].startswith("error: expected the trained model, got out/model-f16.unproven.gguf: ")
    assert "another tensor: blk." in errors[0]
    assert "Traceback" not in done.stderr


def test_the_adapters_own_file_is_written_though_the_merged_one_failed(
    repository: Path, tiny_llama: Path, tmp_path: Path
) -> None:
    lora = make_adapter(tiny_llama, tmp_path / "lora")
    done = _export_wrongly(repository, lora, tmp_path, "--adapter")
    assert done.returncode == 3, done.stderr
    names = {path.name for path in (tmp_path / "out").glob("*.gguf")}
    assert names == {"model-f16.unproven.gguf", "adapter.gguf"}
    sums = (tmp_path / "out" / "SHA256SUMS").read_text()
    assert ("  adapter.gguf\n" in sums, "unproven" in sums) == (True, False)

"""Two processes train as one with the same global batch, and only the first of them writes."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from cadmonkey.errors import InputError
from cadmonkey.files import read_json, read_jsonl
from cadmonkey.training.processes import join_processes

pytest.importorskip("trl")

RECIPE = Path(__file__).resolve().parents[2] / "recipes" / "cadmonkey.py"


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def train(out: Path, base: Path, *arguments: str, processes: int) -> subprocess.CompletedProcess[str]:
    launch = [] if processes == 1 else ["-m", "torch.distributed.run", "--nproc-per-node", str(processes)]
    launch += [] if processes == 1 else ["--master-port", str(free_port())]
    command = [sys.executable, *launch, str(RECIPE), "--preset", "nano", "--base-model", str(base), *arguments]
    command += ["--engine", "transformers", "--own-parts", "32", "--num-train-epochs", "2", "--eval-parts", "2"]
    command += ["--logging-steps", "1", "--validation-rows", "4", "--quants", "f16", "--end-token-probability", "0"]
    command += ["--group-by-length", "--warmup-steps", "0", "--out", str(out)]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done


def losses(out: Path) -> list[tuple[int, float]]:
    return [(line["step"], line["loss"]) for line in read_jsonl(out / "metrics.jsonl") if "loss" in line]


def test_two_processes_have_the_losses_of_one_with_the_same_global_batch(tiny_llama: Path, tmp_path: Path) -> None:
    train(tmp_path / "one", tiny_llama, "--per-device-train-batch-size", "4", processes=1)
    both = train(tmp_path / "two", tiny_llama, "--per-device-train-batch-size", "2", processes=2)
    one, two = losses(tmp_path / "one"), losses(tmp_path / "two")
    steps = read_json(tmp_path / "one" / "plan.json")["steps"]
    assert [step for step, _ in two] == [step for step, _ in one] == list(range(1, steps + 1))
    assert steps > 10
    assert [loss for _, loss in two] == pytest.approx([loss for _, loss in one], abs=1e-4)
    assert both.stdout.count("verdict: ") == both.stdout.count("train: step 1/") == 1
    assert both.stdout.count("gguf: writing") == both.stdout.count("report: ") == 1
    names = {path.name for path in (tmp_path / "two").iterdir()}
    assert names >= {"adapter", "model-f16.gguf", "scores.json", "report.html"}
    states = {path.name for path in (tmp_path / "two").glob("checkpoint-*/rng_state_*.pth")}
    assert states == {"rng_state_0.pth", "rng_state_1.pth"}
    assert read_json(tmp_path / "two" / "plan.json")["steps"] == len(two)


@pytest.mark.parametrize("mpi", [{}, {"OMPI_COMM_WORLD_SIZE": "2", "OMPI_COMM_WORLD_RANK": "1"}])
def test_a_launcher_that_starts_one_process_where_two_were_asked_for_is_refused(
    mpi: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    launched = {"ACCELERATE_USE_CPU": "True", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29500", **mpi}
    for name, value in launched.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InputError, match=r"got one by itself.*; use torchrun --nproc-per-node 2"):
        join_processes()
    monkeypatch.delenv("MASTER_ADDR")  # as without --num_processes
    join_processes()

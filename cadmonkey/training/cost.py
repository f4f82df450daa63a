"""What a run costs: the device it would use, hours, and bytes on the disk."""

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from cadmonkey.errors import InputError
from cadmonkey.files import read_json, read_jsonl
from cadmonkey.training.engines import find_base
from cadmonkey.training.memory import available_bytes, trained_parameters
from cadmonkey.training.models import Shape
from cadmonkey.training.recipe import Recipe

GB = 10**9

_TFLOPS_BY_NAME = {"H200": 400, "H100": 400, "A100": 125, "4090": 65, "3090": 30, "L4": 48, "T4": 26}
"""1e12 operations a second that training may reach: 40 % of the dense bf16 figure of the data sheet (T4: fp16)."""

_CLASS_BY_MEMORY_GB = ((100.0, "H200"), (78.0, "A100"), (30.0, "A100"), (22.0, "3090"), (0.0, "T4"))
"""For a GPU that is only planned: the class with such a memory."""

_CPU_CORE_FLOPS = 20e9
"""Of one core: LoRA on the nano base ran at 2,700-3,100 tokens/s on two."""

_GGUF_BYTES = {"f32": 4.0, "f16": 2.0, "bf16": 2.0, "q8_0": 1.0625, "q6_k": 0.82, "q5_k_m": 0.71, "q4_k_m": 0.61}
"""Bytes of a weight by file type (llama.cpp's block formats)."""


@dataclass(frozen=True)
class Device:
    """What would train."""

    name: str
    on_gpu: bool
    memory_bytes: int
    flops_per_s: float
    assumption: str
    """Where flops_per_s is from."""


@dataclass(frozen=True)
class Duration:
    """How long the steps take, and on what that rests."""

    seconds: float
    tokens_per_second: float
    source: str

    def as_dict(self) -> dict[str, Any]:
        """Return the fields for plan.json."""
        return asdict(self)


def find_device(gpu_memory_gb: float | None) -> Device:
    """Return the GPU that is here, or one of `gpu_memory_gb`, or the CPU.

    Raises:
        InputError: a GPU without memory.
    """
    import torch

    if gpu_memory_gb is not None:
        if gpu_memory_gb <= 0:
            raise InputError(f"--gpu-memory-gb: expected more than 0, got {gpu_memory_gb:g}")
        kind = next(name for least, name in _CLASS_BY_MEMORY_GB if gpu_memory_gb >= least)
        return _gpu(f"a GPU of {gpu_memory_gb:g} GB", int(gpu_memory_gb * GB), kind)
    if torch.cuda.is_available():
        found = torch.cuda.get_device_properties(0)
        kind = next((name for name in _TFLOPS_BY_NAME if name in found.name), "T4")
        return _gpu(found.name, found.total_memory, kind)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    rate = cores * _CPU_CORE_FLOPS
    return Device(f"CPU, {cores} cores", False, available_bytes(), rate, f"{rate / 1e9:.0f} GFLOP/s on {cores} cores")


def _gpu(name: str, memory_bytes: int, kind: str) -> Device:
    rate = _TFLOPS_BY_NAME[kind] * 1e12
    return Device(name, True, memory_bytes, rate, f"{rate / 1e12:.0f} TFLOP/s, 40 % of a {kind}'s data sheet")


def estimate_duration(
    recipe: Recipe, shape: Shape, tokens: float, device: Device, world_size: int, runs: Path
) -> Duration:
    """Return the time for `tokens` tokens: at the speed of an earlier run of this model, or from a count of operations.

    A weight costs 2 operations a token in the forward pass, 2 for the gradient of what comes in and 2 for its own if it
    is trained (Kaplan 2020, Scaling Laws, 2.1); checkpointing repeats the forward pass.
    """
    speed, source = measured_speed(recipe, runs), "measured in an earlier run of this model"
    if not speed:
        per_weight = (6 if recipe.full_finetuning else 4) + (2 if recipe.gradient_checkpointing else 0)
        speed = device.flops_per_s * world_size / (per_weight * shape.total_parameters)
        source = f"estimate: {per_weight} operations a weight and token at {device.assumption}"
    return Duration(round(tokens / speed, 1), round(speed, 1), source)


def measured_speed(recipe: Recipe, runs: Path) -> float:
    """Return the tokens/s of the newest run beside or in `runs` with the same model, engine and bits; 0 for none."""
    same = ("base_model", "engine", "full_finetuning", "load_in_4bit", "load_in_8bit", "gradient_checkpointing")
    folders = [folder for folder in (runs, *runs.parent.glob("*/")) if (folder / "recipe.json").is_file()]
    speeds: dict[float, float] = {}
    for folder in folders:
        earlier, metrics = read_json(folder / "recipe.json"), folder / "metrics.jsonl"
        if not metrics.is_file() or any(earlier.get(name) != getattr(recipe, name) for name in same):
            continue
        lines = [line["tokens_per_second"] for line in _lines(metrics) if line.get("tokens_per_second")]
        if lines:
            speeds[metrics.stat().st_mtime] = median(lines)
    return speeds[max(speeds)] if speeds else 0.0


def _lines(metrics: Path) -> list[dict[str, Any]]:
    """Return the lines of metrics.jsonl; none of a file that was cut off."""
    try:
        return read_jsonl(metrics)
    except InputError:
        return []


def disk_bytes(recipe: Recipe, shape: Shape) -> dict[str, int]:
    """Return what a run writes, by component: the base from the Hub, two checkpoints, the result, the merge, GGUFs."""
    trained = trained_parameters(recipe, shape)
    local = Path(find_base(recipe.base_model)).is_dir()
    parts = {
        "download": 0 if local else 2 * shape.total_parameters,
        "checkpoints": 2 * 12 * trained,
        "trained": 4 * trained,
        "merged": 2 * shape.total_parameters,
        "gguf": round(sum(_GGUF_BYTES.get(quant, 2.0) for quant in recipe.quants) * shape.total_parameters),
    }
    return {**parts, "total": sum(parts.values())}

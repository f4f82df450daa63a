"""The plan's memory estimate against the measured peak of a training step, in one process a case.

    python benchmarks/memory.py [--shape small|tiny] [--cases lora full]

Each case saves a random Llama, loads it by the recipe's own path (load_base, add_adapter, TRL's trainer) and trains two
steps on a CPU. PyTorch's allocator gives the peak of all tensors (torch.profiler); weights, gradients and optimizer
states are summed over their tensors. The growth of the process's resident memory stands beside it: it holds the
allocator's slack too. Writes benchmarks/results/memory.json.
"""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import tyro

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.record import RESULTS, circumstances, write_record
from cadmonkey.terminal import run
from cadmonkey.training.recipe import Recipe

SHAPES = {
    "tiny": {"hidden_size": 64, "intermediate_size": 160, "num_hidden_layers": 2, "vocab_size": 1024},
    "small": {"hidden_size": 512, "intermediate_size": 1408, "num_hidden_layers": 6, "vocab_size": 32000},
}
BASE = Recipe(
    base_model="",
    own_parts=1,
    engine="transformers",
    learning_rate=1e-3,
    lora_rank=16,
    per_device_train_batch_size=4,
    gradient_accumulation_steps=2,
    group_by_length=False,
    max_steps=2,
    max_seq_length=256,
)
CASES = {
    "lora": BASE,
    "lora, batch 1": replace(BASE, per_device_train_batch_size=1),
    "lora, 512 tokens": replace(BASE, max_seq_length=512),
    "lora, rank 64, dropout": replace(BASE, lora_rank=64, lora_dropout=0.1),
    "lora, checkpointing": replace(BASE, gradient_checkpointing=True),
    "full": replace(BASE, full_finetuning=True),
    "full, checkpointing": replace(BASE, full_finetuning=True, gradient_checkpointing=True),
}


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """Every choice of this run."""

    shape: Literal["tiny", "small"] = "small"
    """Sizes of the random Llama."""
    cases: tuple[str, ...] = tuple(CASES)
    """Which of the cases to measure."""
    out: Path = RESULTS / "memory.json"
    """Where the figures go."""


def main(choices: Benchmark) -> None:
    """Measure every case in a process of its own, print and write the figures."""
    results = {}
    for name in choices.cases:
        results[name] = _apart(choices.shape, name)
        print(name, {key: value for key, value in results[name].items() if "ratio" in key}, flush=True)
    write_record(choices.out, {**circumstances(), "shape": SHAPES[choices.shape], "cases": results})


def _apart(shape: str, case: str) -> dict[str, Any]:
    command = [sys.executable, str(Path(__file__).resolve()), "--measure", shape, case]
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise RuntimeError(f"{case}: {done.stderr[-2000:]}")
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def measure(shape: str, case: str) -> dict[str, Any]:
    """Train two steps and return estimated and measured bytes."""
    from torch.profiler import ProfilerActivity, profile

    from cadmonkey.training.memory import Work, estimate_memory
    from cadmonkey.training.models import read_shape

    recipe = CASES[case]
    with tempfile.TemporaryDirectory() as folder:
        recipe = replace(recipe, base_model=_save_random(Path(folder), SHAPES[shape]))
        work = Work(recipe.per_device_train_batch_size, recipe.max_seq_length, on_gpu=False)
        estimate = estimate_memory(recipe, read_shape(recipe.base_model), work)
        trainer = _trainer(recipe, Path(folder))
        resident = _resident_bytes("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
        with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
            trainer.train()
        grown = _resident_bytes("VmHWM") - resident
    weights = sum(tensor.nbytes for tensor in trainer.model.parameters())
    states = [state for state in trainer.optimizer.state.values() for state in state.values()]
    optimizer = sum(tensor.nbytes for tensor in states if tensor.ndim)
    peak = weights + _allocated_peak(profiler)
    return {
        "estimate": estimate.as_dict(),
        "measured": {
            "weights_and_adapters": weights,
            "optimizer": optimizer,
            "peak": peak,
            "resident_growth": weights + grown,
        },
        "ratio_of_peak": round(estimate.total / peak, 3),
        "ratio_of_optimizer": round(estimate.optimizer / optimizer, 3),
        "ratio_of_resident": round(estimate.total / (weights + grown), 3),
    }


def _save_random(folder: Path, sizes: dict[str, int]) -> str:
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(**sizes, num_attention_heads=8, num_key_value_heads=4, tie_word_embeddings=True)
    LlamaForCausalLM(config).save_pretrained(folder / "base")
    return str(folder / "base")


def _trainer(recipe: Recipe, folder: Path) -> Any:
    """TRL's trainer on rows of equal length, without what needs a tokenizer."""
    import torch
    from datasets import Dataset
    from transformers import default_data_collator
    from trl import SFTConfig, SFTTrainer

    from cadmonkey.training.engines import add_adapter, load_base

    model = load_base(recipe)
    if not recipe.full_finetuning:
        model = add_adapter(model, recipe, {})
    rows = torch.randint(0, 1000, (recipe.effective_batch * recipe.max_steps, recipe.max_seq_length)).tolist()
    mask = [0, *[1] * (recipe.max_seq_length - 1)]  # one masked position: attention as in a padded batch
    arguments = SFTConfig(
        output_dir=str(folder / "run"),
        max_steps=recipe.max_steps,
        per_device_train_batch_size=recipe.per_device_train_batch_size,
        gradient_accumulation_steps=recipe.gradient_accumulation_steps,
        gradient_checkpointing=recipe.gradient_checkpointing,
        optim=recipe.optim,
        use_cpu=True,
        bf16=False,
        dataset_kwargs={"skip_prepare_dataset": True},
        remove_unused_columns=False,
        max_length=None,
        loss_type="nll",
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
    )
    dataset = Dataset.from_list([{"input_ids": row, "labels": row, "attention_mask": mask} for row in rows])
    return SFTTrainer(
        model=model,
        args=arguments,
        train_dataset=dataset,
        data_collator=default_data_collator,
        processing_class=_no_tokenizer(folder),
    )


def _no_tokenizer(folder: Path) -> Any:
    """The smallest tokenizer that TRL takes; no text passes through it."""
    from cadmonkey.training.scratch import train_tokenizer

    return train_tokenizer(["a cube"], 300)


def _allocated_peak(profiler: Any) -> int:
    """Return the most bytes that were allocated at once beyond those at the start."""
    events = [event for event in profiler.profiler.kineto_results.events() if event.name() == "[memory]"]
    now = peak = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        now += event.nbytes()
        peak = max(peak, now)
    return peak


def _resident_bytes(name: str) -> int:
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        print(json.dumps(measure(sys.argv[2], sys.argv[3])))
    else:
        run(lambda: main(tyro.cli(Benchmark)))

"""How much memory a training step takes, by component, before anything is loaded.

Weights, gradients and optimizer states are counted, not guessed. Activations are the tensors that autograd keeps for
the backward pass of a Llama or Qwen2 block as transformers, PEFT and TRL run it; docs/training.md tells how they were
checked. Unsloth's kernels keep less, so for Unsloth on a GPU the figures are upper bounds.
"""

import os
from dataclasses import asdict, dataclass
from pathlib import Path

from cadmonkey.training.models import Shape
from cadmonkey.training.recipe import Recipe

NF4_BYTES = 0.5 + 1 / 64 + 4 / (64 * 256)
"""Bytes of a 4-bit weight: its code, an 8-bit scale for 64 and a 32-bit one for 64 x 256 (Dettmers 2023, QLoRA, 3)."""

LOSS_BYTES_PER_LOGIT = 16
"""Cross-entropy at its peak: logits, log-probabilities and the gradients of both, in 32 bits each."""

CUDA_CONTEXT_BYTES = 600 * 2**20
"""What the driver, cuBLAS and the allocator take beside tensors: an assumption, typical of recent GPUs."""

_STATE_BYTES = {"sgd": 0.0, "adafactor": 0.1, "lion": 4.0, "rmsprop": 4.0, "adagrad": 4.0}
"""Optimizer state per trained weight; every other optimizer of transformers has AdamW's two 32-bit moments."""


@dataclass(frozen=True)
class Memory:
    """Bytes by component; they do not all peak at once, so the total is a little high."""

    weights: int
    adapters: int
    gradients: int
    optimizer: int
    activations: int
    logits: int
    overhead: int
    """The CUDA context, and one layer's weights while they are dequantized."""

    @property
    def total(self) -> int:
        """The sum, in bytes."""
        return sum(asdict(self).values())

    def as_dict(self) -> dict[str, int]:
        """Return the fields for plan.json."""
        return {**asdict(self), "total": self.total}


@dataclass(frozen=True)
class Work:
    """What passes through the model at once, and where."""

    batch: int
    """Rows of one forward pass."""
    length: int
    """Tokens of its longest row."""
    on_gpu: bool
    """On a GPU the arithmetic is bf16 under autocast, on a CPU fp32."""


def estimate_memory(recipe: Recipe, shape: Shape, work: Work) -> Memory:
    """Return the peak of a training step."""
    trained = trained_parameters(recipe, shape)
    return Memory(
        weights=weight_bytes(recipe, shape, on_gpu=work.on_gpu),
        adapters=0 if recipe.full_finetuning else 4 * trained,
        gradients=4 * trained,
        optimizer=optimizer_bytes(recipe.optim, trained, on_gpu=work.on_gpu),
        activations=activation_bytes(recipe, shape, work),
        logits=LOSS_BYTES_PER_LOGIT * work.batch * work.length * shape.vocab_size,
        overhead=_overhead_bytes(recipe, shape, on_gpu=work.on_gpu),
    )


def trained_parameters(recipe: Recipe, shape: Shape) -> int:
    """Return how many weights the optimizer moves: LoRA's or all."""
    return shape.total_parameters if recipe.full_finetuning else shape.lora_parameters(recipe.lora_rank)


def weight_bytes(recipe: Recipe, shape: Shape, *, on_gpu: bool) -> int:
    """Return the size of the base model in memory.

    Quantization takes the linear layers alone; embedding, head and norms stay in 16 bits, and in 32 where PEFT prepares
    them for training. What is trained itself, and everything on a CPU, is in 32 bits.
    """
    wide = 4 if recipe.full_finetuning or not on_gpu else 2
    others = shape.total_parameters - shape.linear_parameters
    if recipe.load_in_4bit:
        return round(NF4_BYTES * shape.linear_parameters) + others * _unquantized_bytes(recipe, wide)
    if recipe.load_in_8bit:
        return shape.linear_parameters + 4 * shape.linear_rows + others * _unquantized_bytes(recipe, wide)
    return wide * shape.total_parameters


def _unquantized_bytes(recipe: Recipe, wide: int) -> int:
    return 4 if recipe.engine == "transformers" else wide


def optimizer_bytes(optim: str, trained: int, *, on_gpu: bool) -> int:
    """Return the size of the optimizer's states, by transformers' name of it.

    8-bit states are one byte and a 32-bit scale for 256 of them (Dettmers 2022, 8-bit optimizers via block-wise
    quantization); on a CPU Unsloth takes AdamW in 32 bits for them.
    """
    for kind, size in _STATE_BYTES.items():
        if kind in optim:
            return round(_narrow(optim, size, on_gpu) * trained)
    return round(_narrow(optim, 8.0, on_gpu) * trained)


def _narrow(optim: str, size: float, on_gpu: bool) -> float:
    return size / 4 * (1 + 4 / 256) if "8bit" in optim and on_gpu else size


def activation_bytes(recipe: Recipe, shape: Shape, work: Work) -> int:
    """Return what is kept between forward and backward pass.

    With checkpointing that is the input of every layer, and one whole layer while it is computed again (Chen 2016,
    Training Deep Nets with Sublinear Memory Cost).
    """
    tokens = work.batch * work.length
    layer = tokens * layer_bytes_per_token(recipe, shape, work)
    head = 0
    if recipe.full_finetuning:  # the last norm and the head are trained too, so their inputs are kept
        head = tokens * shape.hidden_size * (8 + (2 if work.on_gpu else 4))
    if not recipe.gradient_checkpointing:
        return shape.num_hidden_layers * layer + head
    element = 2 if work.on_gpu and not recipe.full_finetuning else 4
    return shape.num_hidden_layers * tokens * shape.hidden_size * element + layer + head


def layer_bytes_per_token(recipe: Recipe, shape: Shape, work: Work) -> int:
    """Return the bytes that one block keeps for each token.

    Per token a block keeps the inputs of both norms and their inverse deviations; the inputs of its linear layers, as
    far as their weights or LoRA's are trained; queries, keys, values, output and log-sum of the attention
    (Dao 2022, FlashAttention); gate, activation, up-projection and their product; LoRA's inner states. Under autocast
    each trained layer has a 16-bit copy of its input of its own. In a padded batch keys and values are repeated for
    every query head and the mask of the row is a number per token.
    """
    hidden, query, key, inner = shape.hidden_size, shape.query_size, shape.key_size, shape.intermediate_size
    small = 4 * (shape.num_attention_heads + 2)
    padded = 2 * (query - key) + work.length if work.batch > 1 else 0
    element = 2 if work.on_gpu else 4
    copies = 2 * hidden
    if work.on_gpu:
        copies = 5 * hidden + (0 if recipe.full_finetuning else query)
    norms = 4 * hidden * (4 if recipe.full_finetuning else 2)
    lora = 0 if recipe.full_finetuning else 7 * recipe.lora_rank
    kept = element * (copies + 2 * query + 2 * key + 4 * inner + lora + padded)
    return norms + small + kept + _dropout_bytes(recipe, shape, work)


def _dropout_bytes(recipe: Recipe, shape: Shape, work: Work) -> int:
    """Dropout before LoRA keeps a mask for every layer's input, and on a CPU the input it let through."""
    if recipe.full_finetuning or not recipe.lora_dropout:
        return 0
    inputs = 5 * shape.hidden_size + shape.query_size + shape.intermediate_size
    if work.on_gpu:
        return inputs
    shared = 2 * shape.hidden_size + shape.intermediate_size
    return 4 * (2 * inputs - shared)


def _overhead_bytes(recipe: Recipe, shape: Shape, *, on_gpu: bool) -> int:
    dequantized = (2 if on_gpu else 4) * shape.largest_linear if recipe.load_in_4bit or recipe.load_in_8bit else 0
    return dequantized + (CUDA_CONTEXT_BYTES if on_gpu else 0)


def available_bytes() -> int:
    """Return how much of this machine's memory a new process can have."""
    info = Path("/proc/meminfo")
    if info.exists():
        lines = dict(line.split(":", 1) for line in info.read_text(encoding="utf-8").splitlines())
        return int(lines["MemAvailable"].split()[0]) * 1024
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")

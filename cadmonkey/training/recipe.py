"""The choices of a fine-tuning run."""

import math
from dataclasses import dataclass
from typing import Literal

from cadmonkey.errors import InputError

Engine = Literal["unsloth", "transformers"]


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Every choice of a fine-tuning run; the presets of a recipe are instances of this."""

    base_model: str
    """Hugging Face repo id or local folder of the model to fine-tune."""
    datasets: tuple[str, ...] = ()
    """Hub ids or .jsonl/.json/.csv/.parquet files; docs/own-data.md lists the formats, told by their columns."""
    dataset_weights: tuple[float, ...] = ()
    """How often each of datasets is taken: 2 takes every row twice, 0.5 a random half; none given takes each once."""
    prompt_column: str = ""
    """What the column of prompts is called in files where it is not prompt."""
    completion_column: str = ""
    """What the column of answers is called in files where it is not completion."""
    own_parts: int = 0
    """How many synthetic CAD parts to make and mix in; 0 for none."""
    own_mix: Literal["plain", "full"] = "full"
    """What the own parts are: ten families in plain sentences, or everything that we can write."""
    engine: Engine = "unsloth"
    """What trains: Unsloth (GPU and CPU), or plain transformers + PEFT, the yardstick."""
    load_in_4bit: bool = False
    """Quantize the frozen base to 4-bit NF4 (QLoRA): a quarter of the memory, a little slower."""
    load_in_8bit: bool = False
    """Quantize the frozen base to 8-bit (LLM.int8): half of the memory."""
    full_finetuning: bool = False
    """Train every weight instead of LoRA: about sixteen bytes of memory per parameter."""
    gradient_checkpointing: bool = False
    """Recompute activations in the backward pass: much less memory, about a third more time."""
    lora_rank: int = 32
    """Rank of the LoRA matrices on every linear layer; more learns more and costs memory."""
    lora_alpha: int = 64
    """LoRA scale; the update is multiplied by lora_alpha / lora_rank."""
    use_rslora: bool = False
    """Multiply the update by lora_alpha / sqrt(lora_rank) instead, which keeps high ranks learning."""
    lora_dropout: float = 0.0
    """Dropout before the LoRA matrices; Unsloth's fast path wants 0."""
    learning_rate: float
    """Peak AdamW learning rate, reached after warmup_steps."""
    lr_scheduler_type: Literal["cosine", "linear", "constant_with_warmup"] = "cosine"
    """How the learning rate falls after the warm-up."""
    min_lr_ratio: float = 0.0
    """Where a cosine ends, as a share of learning_rate."""
    warmup_steps: int = 50
    """Steps of linear warm-up; shortened to a tenth of a run that is too short for it."""
    warmup_ratio: float = 0.0
    """Warm-up as a share of all steps; above 0 it stands in for warmup_steps."""
    weight_decay: float = 0.01
    """AdamW weight decay, of matrices only: not of norms, biases and embeddings."""
    max_grad_norm: float = 1.0
    """Gradients are scaled down to this norm."""
    optim: str = "adamw_torch"
    """Optimizer by transformers' name; adamw_8bit saves memory on a GPU."""
    per_device_train_batch_size: int = 16
    """Rows in one forward pass."""
    gradient_accumulation_steps: int = 1
    """Forward passes summed into one optimizer step."""
    group_by_length: bool = True
    """Put rows of like length into one batch: of our own parts, a random batch is 45 % padding, a grouped one 3 %."""
    packing: bool = False
    """Fill each row of a batch with several examples that cannot see each other, instead of padding."""
    num_train_epochs: int = 1
    """Passes over the data."""
    max_steps: int = -1
    """Stop after this many optimizer steps; -1 trains num_train_epochs."""
    max_seq_length: int = 1024
    """Longest row in tokens; longer rows are left out and counted, never cut."""
    logging_steps: int = 10
    """Optimizer steps between two lines of metrics.jsonl."""
    eval_steps: int = 0
    """Optimizer steps between two looks at the held-out rows; 0 looks after every epoch."""
    save_steps: int = 0
    """Optimizer steps between two checkpoints; 0 saves after every epoch."""
    early_stopping_patience: int = 0
    """Stop after this many evaluations without a better held-out loss, and keep the best; 0 trains to the end."""
    on_alarm: Literal["warn", "stop"] = "warn"
    """What the watch does when the run goes wrong: say so, or also end it. What cannot be right ends it always."""
    sample_prompts: tuple[str, ...] = ()
    """Prompts that the model answers at each evaluation, into samples.jsonl."""
    report_to: tuple[str, ...] = ()
    """Where else the metrics go: tensorboard, wandb, trackio."""
    validation_rows: int = 200
    """Held-out rows for the validation loss and for P(end token)."""
    end_token_probability: float = 0.5
    """A finished run whose mean P(end token) at the ends of held-out answers is lower than this is stopped."""
    seed: int = 3407
    """Seed of data, adapter and order."""
    eval_parts: int = 300
    """Unseen parts to generate and judge at the end."""
    quants: tuple[str, ...] = ("f16", "q8_0")
    """GGUF files to write."""

    def __post_init__(self) -> None:
        """Refuse numbers that no run can have, before anything is loaded."""
        positive = (
            "lora_rank",
            "lora_alpha",
            "learning_rate",
            "per_device_train_batch_size",
            "gradient_accumulation_steps",
            "num_train_epochs",
            "max_seq_length",
            "logging_steps",
            "max_grad_norm",
            "validation_rows",
            "eval_parts",
        )
        for name in positive:
            if not 0 < getattr(self, name) < math.inf:  # NaN is not either
                raise InputError(f"--{name.replace('_', '-')}: expected more than 0, got {getattr(self, name)}")
        if self.max_steps == 0 or self.max_steps < -1:
            raise InputError(f"--max-steps: expected at least 1 (or -1 for whole epochs), got {self.max_steps}")
        if self.own_parts < 0:
            raise InputError(f"--own-parts: expected 0 or more, got {self.own_parts}")
        self._check_bits()
        self._check_shares()

    def _check_bits(self) -> None:
        if self.load_in_4bit and self.load_in_8bit:
            raise InputError("--load-in-8bit: expected 4 or 8 bits, got both; leave --load-in-4bit or this out")
        if self.full_finetuning and (self.load_in_4bit or self.load_in_8bit):
            bits = 4 if self.load_in_4bit else 8
            raise InputError(
                f"--full-finetuning: expected weights that can be trained, got {bits}-bit ones, which are frozen; "
                f"leave out --load-in-{bits}bit or this"
            )
        if self.full_finetuning and self.use_rslora:
            raise InputError("--use-rslora: expected LoRA, got --full-finetuning, which has none; leave one out")

    def _check_shares(self) -> None:
        """Refuse shares outside 0 to 1, and counts below 0."""
        for name in ("min_lr_ratio", "warmup_ratio", "lora_dropout", "end_token_probability"):
            if not 0 <= getattr(self, name) < 1:
                raise InputError(f"--{name.replace('_', '-')}: expected 0 or more, below 1, got {getattr(self, name)}")
        for name in ("warmup_steps", "weight_decay", "eval_steps", "save_steps", "early_stopping_patience"):
            if not 0 <= getattr(self, name) < math.inf:
                raise InputError(f"--{name.replace('_', '-')}: expected 0 or more, got {getattr(self, name)}")
        if self.min_lr_ratio and self.lr_scheduler_type != "cosine":
            raise InputError(f"--min-lr-ratio: expected --lr-scheduler-type cosine, got {self.lr_scheduler_type}")

    @property
    def effective_batch(self) -> int:
        """Rows in one optimizer step."""
        return self.per_device_train_batch_size * self.gradient_accumulation_steps

    @property
    def rows_to_make(self) -> int:
        """Own parts to train on: no more than `max_steps` can use, so that a smoke test is short."""
        return self.own_parts if self.max_steps < 0 else min(self.own_parts, self.max_steps * self.effective_batch)

    @property
    def parts_to_judge(self) -> int:
        """Unseen parts to generate at the end; a handful in a smoke test."""
        return self.eval_parts if self.max_steps < 0 else min(self.eval_parts, 10 * self.max_steps)

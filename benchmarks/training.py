"""Our recipe's path against plain TRL + PEFT on the same rows: tokens per second and peak memory, in one run.

    python benchmarks/training.py --shape tiny                        # here, on a CPU: does it run, and the ratios
    python benchmarks/training.py --shape llama-3.2-1b --load-in-4bit --max-seq-length 2048 --steps 14
    python benchmarks/training.py --shape qwen2.5-7b --load-in-4bit --max-seq-length 2048 --steps 10

Writes benchmarks/results/training-SHAPE-DEVICE.json. Nothing is downloaded: models have random weights of the true
shape, which give true speed and memory and say nothing of quality. Rows are of many lengths, as real ones are; a token
is one that is not padding. Each contender runs in a process of its own, because Unsloth patches what it imports; they
take turns, and every ratio is to TRL's run of the same round. On a CPU the clock is CPU time, so that other programs on
the machine do not count, and memory is the process's peak; on a GPU it is the wall clock and what PyTorch allocated.
"""

import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import tyro

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.record import RESULTS, circumstances, write_record
from cadmonkey.data.chat import NO_LOSS, Example
from cadmonkey.training.engines import LORA_TARGETS, add_adapter, import_engine, load_base, prepare_process
from cadmonkey.training.recipe import Recipe

SHAPES: dict[str, dict[str, Any]] = {
    "tiny": {
        "vocab_size": 4096,
        "hidden_size": 128,
        "intermediate_size": 384,
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "tie_word_embeddings": True,
    },
    "llama-3.2-1b": {
        "vocab_size": 128256,
        "hidden_size": 2048,
        "intermediate_size": 8192,
        "num_hidden_layers": 16,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "tie_word_embeddings": True,
    },
    "qwen2.5-7b": {
        "model_type": "qwen2",
        "vocab_size": 152064,
        "hidden_size": 3584,
        "intermediate_size": 18944,
        "num_hidden_layers": 28,
        "num_attention_heads": 28,
        "num_key_value_heads": 4,
        "tie_word_embeddings": False,
    },
}

BASELINE = "trl"
"""SFTTrainer with its own defaults on tokenized rows, and PEFT's LoRA."""

CONTENDERS: dict[str, dict[str, Any]] = {
    BASELINE: {"engine": "transformers"},
    "transformers": {"engine": "transformers"},
    "transformers packed": {"engine": "transformers", "packing": True},
    "unsloth": {"engine": "unsloth"},
    "unsloth packed": {"engine": "unsloth", "packing": True},
}

GPU_CONTENDERS: dict[str, dict[str, Any]] = {
    "unsloth packed, half the batch": {"engine": "unsloth", "packing": True, "batch_factor": 0.5},
    "unsloth packed, twice the batch": {"engine": "unsloth", "packing": True, "batch_factor": 2},
    "unsloth packed, no checkpointing": {"engine": "unsloth", "packing": True, "gradient_checkpointing": False},
}
"""Settings that only differ where memory does."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What is measured."""

    shape: str = "tiny"
    """One of SHAPES."""
    layers: int = 0
    """Layers instead of the shape's, for a smoke test."""
    load_in_4bit: bool = False
    """QLoRA."""
    max_seq_length: int = 512
    """Longest row; lengths are spread below it."""
    per_device_train_batch_size: int = 8
    """Rows at once."""
    gradient_accumulation_steps: int = 2
    """Passes in a step."""
    lora_rank: int = 16
    """LoRA's rank; alpha is the same."""
    steps: int = 12
    """Optimizer steps of each contender."""
    warm_steps: int = 3
    """Steps before the clock starts."""
    rounds: int = 3
    """How often the contenders take turns."""
    only: tuple[str, ...] = ()
    """Contenders besides TRL; all of them if none is named."""
    out: Path | None = None
    """The record."""
    child: str = ""
    """Measure this contender and print its figures; used by the script itself."""
    folder: Path = Path()
    """The model of a child."""


def main(options: Options) -> None:
    """Let the contenders take turns, and record the medians of their ratios."""
    contenders = CONTENDERS | (GPU_CONTENDERS if _has_gpu() else {})
    chosen = [BASELINE, *(name for name in contenders if name != BASELINE and name in (options.only or contenders))]
    runs: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        make_model(options, Path(folder) / "model")
        for number in range(options.rounds):
            for name in chosen:
                figures = apart(options, name, Path(folder))
                runs.append({"contender": name, "round": number, **figures})
                print(runs[-1], flush=True)
    out = options.out or RESULTS / f"training-{options.shape}-{'gpu' if _has_gpu() else 'cpu'}.json"
    write_record(out, record(options, chosen, runs))
    print(f"recorded in {out}")


def _has_gpu() -> bool:
    import torch

    return torch.cuda.is_available()


def make_model(options: Options, folder: Path) -> None:
    """Save a model of the shape with random weights in bf16, and a small tokenizer."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    from cadmonkey.training.scratch import train_tokenizer

    shape = {"model_type": "llama", "max_position_embeddings": 32768, **SHAPES[options.shape]}
    if options.layers:
        shape["num_hidden_layers"] = options.layers
    tokenizer = train_tokenizer(["cube([10, 20, 30]);"] * 3, vocab_size=290)
    torch.manual_seed(1)
    with torch.device("cuda" if _has_gpu() else "cpu"):
        model = AutoModelForCausalLM.from_config(AutoConfig.for_model(**shape), dtype=torch.bfloat16)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def apart(options: Options, name: str, folder: Path) -> dict[str, Any]:
    """Measure one contender in a process of its own; one that fails is recorded with its last line."""
    fields = (
        "max_seq_length",
        "per_device_train_batch_size",
        "gradient_accumulation_steps",
        "lora_rank",
        "steps",
        "warm_steps",
    )
    command = [sys.executable, __file__, "--child", name, "--folder", str(folder)]
    command += [word for field in fields for word in (f"--{field.replace('_', '-')}", str(getattr(options, field)))]
    command += ["--load-in-4bit"] * options.load_in_4bit
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return {"failed": (done.stderr.strip().splitlines() or ["no words"])[-1][:200]}
    figures: dict[str, Any] = json.loads(done.stdout.rpartition("FIGURES ")[2])
    return figures


def measure(options: Options) -> dict[str, Any]:
    """Train, and return tokens per second after the warm-up, the peak memory and the first loss."""
    choices = dict((CONTENDERS | GPU_CONTENDERS)[options.child])
    factor = choices.pop("batch_factor", 1)
    recipe = Recipe(
        base_model=str(options.folder / "model"),
        own_parts=1,
        load_in_4bit=options.load_in_4bit,
        gradient_checkpointing=_has_gpu(),
        group_by_length=True,
        lora_rank=options.lora_rank,
        lora_alpha=options.lora_rank,
        learning_rate=1e-4,
        per_device_train_batch_size=int(options.per_device_train_batch_size * factor),
        gradient_accumulation_steps=max(1, int(options.gradient_accumulation_steps / factor)),
        max_seq_length=options.max_seq_length,
        max_steps=options.steps,
        logging_steps=1,
    )
    recipe = replace(recipe, **choices)
    prepare_process(recipe)
    import_engine(recipe.engine)
    out = Path(tempfile.mkdtemp(dir=options.folder))
    trainer = (plain_trainer if options.child == BASELINE else our_trainer)(recipe, out)
    clock = Clock(trainer, options.warm_steps)
    trainer.train()
    return {
        "tokens_per_s": round(clock.tokens_per_s, 1),
        "padding": round(clock.padding, 3),
        "peak_mb": round(peak_mb()),
        "first_loss": next(line["loss"] for line in trainer.state.log_history if "loss" in line),
    }


def rows(recipe: Recipe) -> list[Example]:
    """Return the same random rows to every contender, enough of them for its steps, of lengths as data have them."""
    generator = random.Random(1)
    examples = []
    for _ in range(recipe.effective_batch * recipe.max_steps * (8 if recipe.packing else 1)):
        length = min(recipe.max_seq_length, max(16, int(generator.lognormvariate(0, 0.7) * recipe.max_seq_length / 6)))
        ids = [generator.randrange(250) for _ in range(length)]
        prompt = length // 4
        examples.append(Example(ids, [NO_LOSS] * prompt + ids[prompt:]))
    return examples


def our_trainer(recipe: Recipe, out: Path) -> Any:
    """Return what a recipe of ours trains with."""
    from transformers import AutoTokenizer

    from cadmonkey.training.examples import Examples
    from cadmonkey.training.plan import make_plan
    from cadmonkey.training.trainer import build_trainer

    examples = rows(recipe)
    plan = make_plan(recipe, [], Examples(examples, {}), Examples(examples[:1], {}))
    tokenizer = AutoTokenizer.from_pretrained(recipe.base_model)
    model = add_adapter(load_base(recipe), recipe, {})
    trainer = build_trainer(model, tokenizer, recipe, plan, examples, examples[:1], out)
    trainer.args.save_strategy = trainer.args.eval_strategy = "no"
    return trainer


def plain_trainer(recipe: Recipe, out: Path) -> Any:
    """Return TRL's trainer as its documentation sets it up; what is not named here has TRL's default."""
    import torch
    from datasets import Dataset
    from peft import LoraConfig
    from transformers import AutoTokenizer
    from trl import SFTConfig, SFTTrainer

    config = SFTConfig(
        output_dir=str(out),
        per_device_train_batch_size=recipe.per_device_train_batch_size,
        gradient_accumulation_steps=recipe.gradient_accumulation_steps,
        gradient_checkpointing=recipe.gradient_checkpointing,
        learning_rate=recipe.learning_rate,
        max_steps=recipe.max_steps,
        max_length=recipe.max_seq_length,
        bf16=torch.cuda.is_available(),
        use_cpu=not torch.cuda.is_available(),
        dataset_kwargs={"skip_prepare_dataset": True},
        remove_unused_columns=False,
        logging_steps=1,
        save_strategy="no",
        disable_tqdm=True,
        report_to="none",
        seed=recipe.seed,
    )
    lora = LoraConfig(
        r=recipe.lora_rank, lora_alpha=recipe.lora_alpha, target_modules=list(LORA_TARGETS), task_type="CAUSAL_LM"
    )
    columns = {"input_ids": [e.input_ids for e in rows(recipe)], "labels": [e.labels for e in rows(recipe)]}
    return SFTTrainer(
        model=load_base(recipe),
        args=config,
        processing_class=AutoTokenizer.from_pretrained(recipe.base_model),
        train_dataset=Dataset.from_dict(columns),
        peft_config=lora,
    )


class Clock:
    """Counts the tokens that go through a trainer's model, and the time they take."""

    def __init__(self, trainer: Any, warm_steps: int) -> None:
        from transformers import TrainerCallback

        self._pad = trainer.processing_class.pad_token_id
        self._tokens: Any = 0
        self._places = 0
        self._began = self._ended = 0.0
        clock = self

        class Steps(TrainerCallback):  # type: ignore[misc]
            def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
                clock._ended = now()
                if state.global_step == warm_steps:
                    clock._began, clock._tokens, clock._places = clock._ended, 0, 0

        trainer.add_callback(Steps())
        trainer.model.register_forward_pre_hook(self._count, with_kwargs=True)

    def _count(self, model: Any, arguments: Any, inputs: dict[str, Any]) -> None:
        self._tokens = self._tokens + (inputs["input_ids"] != self._pad).sum()
        self._places += inputs["input_ids"].numel()

    @property
    def tokens_per_s(self) -> float:
        """Tokens that are not padding, per second."""
        return float(self._tokens) / (self._ended - self._began)

    @property
    def padding(self) -> float:
        """Share of padding in what the model computed."""
        return 1 - float(self._tokens) / self._places


def now() -> float:
    """Return seconds: of the wall clock on a GPU, of this process's CPU time without one."""
    if not _has_gpu():
        return time.process_time()
    import torch

    torch.cuda.synchronize()
    return time.perf_counter()


def peak_mb() -> float:
    """Return the most memory that was held: allocated on the GPU, or by the process."""
    if not _has_gpu():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    import torch

    return torch.cuda.max_memory_allocated() / 2**20


def record(options: Options, chosen: list[str], runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the record: every run, and each contender's median figures and ratios to TRL in the same round."""
    import torch

    packages = ("torch", "transformers", "trl", "peft", "accelerate", "bitsandbytes", "unsloth", "unsloth_zoo")
    found = circumstances()
    found["versions"] |= {name: _version(name) for name in packages}
    if _has_gpu():
        found["hardware"] = torch.cuda.get_device_name(0)
    settings = {name: value for name, value in vars(options).items() if name not in ("out", "child", "folder", "only")}
    return found | {
        "settings": settings,
        "clock": "wall" if _has_gpu() else "CPU time",
        "summary": {name: summary(name, runs) for name in chosen},
        "runs": runs,
    }


def summary(name: str, runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a contender's medians over the rounds."""
    ours = {run["round"]: run for run in runs if run["contender"] == name and "failed" not in run}
    base = {run["round"]: run for run in runs if run["contender"] == BASELINE and "failed" not in run}
    both = [(ours[number], base[number]) for number in ours.keys() & base.keys()]
    if not both:
        return {"failed": next(run["failed"] for run in runs if run["contender"] == name and "failed" in run)}
    return {
        "tokens_per_s": median(run["tokens_per_s"] for run, _ in both),
        "times_the_tokens_per_s_of_trl": round(median(a["tokens_per_s"] / b["tokens_per_s"] for a, b in both), 2),
        "peak_mb": median(run["peak_mb"] for run, _ in both),
        "times_the_memory_of_trl": round(median(a["peak_mb"] / b["peak_mb"] for a, b in both), 2),
        "padding": median(run["padding"] for run, _ in both),
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except ModuleNotFoundError:  # PackageNotFoundError is one
        return ""


if __name__ == "__main__":
    os.environ.setdefault("PYTORCH_ALLOC_CONF", "expandable_segments:True")
    choices = tyro.cli(Options, description=__doc__)
    if choices.child:
        print("FIGURES " + json.dumps(measure(choices)))
    else:
        main(choices)

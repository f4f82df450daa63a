"""TRL's SFTTrainer with this project's settings: our labels untouched, whole checkpoints, one line a logged step."""

from pathlib import Path
from typing import Any

from cadmonkey.data.chat import Example
from cadmonkey.training.checkpoints import atomic_folder, last_checkpoint, whole_checkpoint
from cadmonkey.training.metrics import write_curves
from cadmonkey.training.plan import Plan
from cadmonkey.training.recipe import Recipe
from cadmonkey.training.watch import cadence, watch


def build_trainer(
    model: Any, tokenizer: Any, recipe: Recipe, plan: Plan, train: list[Example], validation: list[Example], out: Path
) -> Any:
    """Return a trainer whose checkpoints and metrics go to `out`."""
    import torch
    from transformers import PrinterCallback
    from trl import SFTConfig

    on_gpu = torch.cuda.is_available()
    config = SFTConfig(
        output_dir=str(out),
        num_train_epochs=recipe.num_train_epochs,
        max_steps=recipe.max_steps,
        per_device_train_batch_size=recipe.per_device_train_batch_size,
        per_device_eval_batch_size=recipe.per_device_train_batch_size,
        gradient_accumulation_steps=recipe.gradient_accumulation_steps,
        gradient_checkpointing=recipe.gradient_checkpointing,
        learning_rate=recipe.learning_rate,
        lr_scheduler_type=recipe.lr_scheduler_type,
        warmup_steps=plan.warmup_steps,
        weight_decay=recipe.weight_decay,
        optim=recipe.optim,
        seed=recipe.seed,
        data_seed=recipe.seed,
        bf16=on_gpu,
        fp16=False,
        use_cpu=not on_gpu,
        # Rows come with input_ids and labels; whatever would tokenize, pack, cut or relabel them is off.
        dataset_kwargs={"skip_prepare_dataset": True},
        remove_unused_columns=False,
        train_sampling_strategy="group_by_length" if recipe.group_by_length else "random",
        max_length=None,
        packing=False,
        padding_free=False,
        loss_type="nll",
        **cadence(recipe),
        logging_steps=min(recipe.logging_steps, plan.steps),
        logging_nan_inf_filter=False,  # a loss that is no number must show
        disable_tqdm=True,
    )
    trainer = _trainer_class()(
        model=model,
        args=config,
        processing_class=tokenizer,
        data_collator=collator(tokenizer),
        train_dataset=as_dataset(train),
        eval_dataset=as_dataset(validation[: recipe.validation_rows]),
    )
    trainer.remove_callback(PrinterCallback)
    watch(trainer, tokenizer, recipe, plan, validation, out)
    return trainer


def collator(tokenizer: Any) -> Any:
    """Return what pads a batch on the right: input_ids with the pad token, labels with -100, attention_mask with 0."""
    from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

    return DataCollatorForLanguageModeling(pad_token_id=tokenizer.pad_token_id)


def as_dataset(examples: list[Example]) -> Any:
    """Return a datasets.Dataset with exactly the columns input_ids and labels."""
    from datasets import Dataset

    return Dataset.from_dict(
        {
            "input_ids": [example.input_ids for example in examples],
            "labels": [example.labels for example in examples],
        }
    )


def run_training(trainer: Any, out: Path) -> None:
    """Train to the end, from the last whole checkpoint if there is one; write metrics.jsonl and curves.png.

    Raises:
        RunError: the loss is not finite, or a checkpoint cannot be written.
    """
    checkpoint = last_checkpoint(out)
    if checkpoint:
        print(f"train: goes on from {checkpoint.name}", flush=True)
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    write_curves(out / "metrics.jsonl", out / "curves.png")


def save_adapter(model: Any, tokenizer: Any, folder: Path) -> None:
    """Write the LoRA weights, the trained rows, the tokenizer and its template to `folder`, whole or not at all."""
    with atomic_folder(folder) as part:
        model.save_pretrained(part, save_embedding_layers=False)  # "auto" would ask the Hub
        tokenizer.save_pretrained(part)


def _trainer_class() -> Any:
    """Return TRL's trainer (or Unsloth's version of it), with whole checkpoints and without a model card of its own."""
    from trl import SFTTrainer

    class WholeTrainer(SFTTrainer):
        def _save_checkpoint(self, model: Any, trial: Any) -> None:
            with whole_checkpoint(Path(self.args.output_dir) / f"checkpoint-{self.state.global_step}"):
                super()._save_checkpoint(model, trial)

        def create_model_card(self, *args: Any, **kwargs: Any) -> None:
            """Leave README.md to the stage that knows the scores."""

    return WholeTrainer

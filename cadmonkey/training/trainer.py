"""TRL's SFTTrainer with this project's settings: our labels untouched, whole checkpoints, one line a logged step."""

from contextlib import nullcontext
from pathlib import Path
from typing import Any

from cadmonkey.data.chat import Example
from cadmonkey.training.checkpoints import atomic_folder, last_checkpoint, remove_damaged, whole_checkpoint
from cadmonkey.training.decay import decayed_parameters
from cadmonkey.training.metrics import write_curves
from cadmonkey.training.order import EpochOrder
from cadmonkey.training.packing import PackedCollator, in_one_row, pack_examples
from cadmonkey.training.plan import Plan
from cadmonkey.training.processes import first_alone, is_first, wait_for_all, world_size
from cadmonkey.training.recipe import Recipe
from cadmonkey.training.schedule import scheduler_settings, warmup_steps
from cadmonkey.training.too_large import RowsAtOnce, out_of_memory
from cadmonkey.training.watch import cadence, watch


def build_trainer(
    model: Any, tokenizer: Any, recipe: Recipe, plan: Plan, train: list[Example], validation: list[Example], out: Path
) -> Any:
    """Return a trainer whose checkpoints and metrics go to `out`."""
    import torch
    from datasets import Dataset
    from transformers import PrinterCallback
    from trl import SFTConfig

    on_gpu = torch.cuda.is_available()
    rows = pack_examples(train, recipe.max_seq_length, recipe.seed) if recipe.packing else as_rows(train)
    config = SFTConfig(
        output_dir=str(out),
        num_train_epochs=recipe.num_train_epochs,
        max_steps=recipe.max_steps,
        per_device_train_batch_size=recipe.per_device_train_batch_size,
        per_device_eval_batch_size=recipe.per_device_train_batch_size,
        gradient_accumulation_steps=recipe.gradient_accumulation_steps,
        gradient_checkpointing=recipe.gradient_checkpointing,
        learning_rate=recipe.learning_rate,
        warmup_steps=warmup_steps(recipe, plan.steps),
        max_grad_norm=recipe.max_grad_norm,
        **scheduler_settings(recipe),
        weight_decay=recipe.weight_decay,
        optim=recipe.optim,
        seed=recipe.seed,
        data_seed=recipe.seed,
        bf16=on_gpu,
        fp16=False,
        use_cpu=not on_gpu,
        # Rows come with input_ids and labels, and packed if they are to be; whatever would tokenize, pack, cut or
        # relabel them is off.
        dataset_kwargs={"skip_prepare_dataset": True},
        remove_unused_columns=False,
        max_length=None,
        packing=False,
        padding_free=False,
        loss_type=_loss_type(model, recipe),
        **cadence(recipe),
        logging_steps=min(recipe.logging_steps, plan.steps),
        logging_nan_inf_filter=False,  # a loss that is no number must show
        disable_tqdm=True,
        ddp_find_unused_parameters=False,  # every step uses all of LoRA, and looking for it costs a pass
    )
    trainer = _trainer_class(recipe)(
        model=model,
        args=config,
        processing_class=tokenizer,
        data_collator=collator(tokenizer),
        train_dataset=Dataset.from_list(rows),
        eval_dataset=Dataset.from_list(as_rows(validation[: recipe.validation_rows])),
        callbacks=[_complete_checkpoints()],
    )
    trainer.remove_callback(PrinterCallback)
    watch(trainer, tokenizer, recipe, plan, validation, out)
    return trainer


def _loss_type(model: Any, recipe: Recipe) -> str:
    """Return TRL's name for the loss: in chunks of tokens, so that the logits of a batch never exist at once.

    TRL reads the weight of the head for it, so a head with trainable rows of its own goes the plain way. Unsloth
    brings its own chunks.
    """
    from torch.nn import Linear

    plain_head = type(model.get_output_embeddings()) is Linear
    return "chunked_nll" if plain_head and recipe.engine == "transformers" else "nll"


def collator(tokenizer: Any) -> Any:
    """Return what pads a batch on the right: input_ids with the pad token, labels with -100.

    Rows by themselves get an attention_mask, packed rows keep their position_ids instead.
    """
    from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

    padded = DataCollatorForLanguageModeling(pad_token_id=tokenizer.pad_token_id)
    packed = PackedCollator(tokenizer.pad_token_id)
    return lambda rows: packed(rows) if "position_ids" in rows[0] else padded(rows)


def as_rows(examples: list[Example]) -> list[dict[str, list[int]]]:
    """Return rows with exactly the columns input_ids and labels."""
    return [{"input_ids": example.input_ids, "labels": example.labels} for example in examples]


def run_training(trainer: Any, out: Path) -> None:
    """Train to the end, from the last whole checkpoint if there is one; write metrics.jsonl and curves.png.

    Raises:
        RunError: the loss is not finite, a checkpoint cannot be written, or one row at once is too much for the GPU.
    """
    import torch

    first_alone(lambda: remove_damaged(out))
    checkpoint = last_checkpoint(out)
    if checkpoint:
        print(f"train: goes on from {checkpoint.name}", flush=True)
    try:
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    except torch.OutOfMemoryError as error:
        raise out_of_memory(trainer.state.global_step + 1) from error
    finally:  # a run that an alarm ended has curves too
        if is_first() and (out / "metrics.jsonl").exists():
            write_curves(out / "metrics.jsonl", out / "curves.png")


def save_trained(model: Any, tokenizer: Any, folder: Path) -> None:
    """Write what was trained to `folder`, whole or not at all: the LoRA weights and token rows, or the whole model.

    The tokenizer and its template go with it.
    """
    from peft import PeftModel

    with atomic_folder(folder) as part:
        if isinstance(model, PeftModel):
            model.save_pretrained(part, save_embedding_layers=False)  # "auto" would ask the Hub
        else:
            model.save_pretrained(part)
        tokenizer.save_pretrained(part)


def _trainer_class(recipe: Recipe) -> Any:
    """Return TRL's trainer (or Unsloth's version of it) with what this project adds to it.

    Whole checkpoints, an order of rows that survives a kill, decay of matrices only, fewer rows at once where the GPU's
    memory runs out, and no model card of its own.
    """
    import torch
    from trl import SFTTrainer

    class RecipeTrainer(SFTTrainer):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self._pad = self.processing_class.pad_token_id
            self._at_once = RowsAtOnce(self.args.per_device_train_batch_size, self._pad)
            self._tokens_before = 0

        def _get_train_sampler(self, train_dataset: Any = None) -> EpochOrder:
            rows = self.train_dataset if train_dataset is None else train_dataset
            return EpochOrder(
                [len(ids) for ids in rows["input_ids"]],
                recipe.effective_batch * world_size(),
                recipe.seed,
                lambda: int(self.state.epoch or 0),
                by_length=recipe.group_by_length and not recipe.packing,
            )

        def get_decay_parameter_names(self, model: Any) -> list[str]:
            return decayed_parameters(model)

        def get_batch_samples(self, *args: Any, **kwargs: Any) -> Any:
            self._at_once.begin_step()
            self._tokens_before = self._total_train_tokens
            return super().get_batch_samples(*args, **kwargs)

        def training_step(self, model: Any, inputs: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
            self._at_once.add(inputs)
            batches, loss = [inputs], None
            while loss is None:
                try:
                    for batch in batches:
                        loss = sum(
                            super(RecipeTrainer, self).training_step(model, part, *args, **kwargs)
                            for part in self._at_once.cut(batch)
                        )
                except torch.OutOfMemoryError:
                    loss = None
                if loss is None:  # outside of the except block, whose traceback holds on to the memory
                    batches = self._at_once.start_over(model, self.state.global_step + 1)
                    self._total_train_tokens = self._tokens_before
            return loss

        def compute_loss(self, model: Any, inputs: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
            if "position_ids" not in inputs:
                return super().compute_loss(model, inputs, *args, **kwargs)
            before, tokens = self._total_train_tokens, (inputs["input_ids"] != self._pad).sum()
            if recipe.engine == "unsloth" and inputs["input_ids"].is_cuda:
                inputs = in_one_row(inputs, self._pad)
            loss = super().compute_loss(model, inputs, *args, **kwargs)
            # TRL counts packed tokens as if the batch were one row.
            self._total_train_tokens = before + int(self.accelerator.gather_for_metrics(tokens).sum())
            self._metrics["train"]["num_tokens"] = [self._total_train_tokens]
            return loss

        def evaluate(self, *args: Any, **kwargs: Any) -> Any:
            try:
                # One that starts over draws from the random state twice; training must not notice.
                with torch.random.fork_rng():
                    return super().evaluate(*args, **kwargs)
            except torch.OutOfMemoryError:
                if self.args.per_device_eval_batch_size == 1:
                    raise
            self.args.per_device_eval_batch_size //= 2
            return self.evaluate(*args, **kwargs)

        def _save_checkpoint(self, model: Any, trial: Any) -> None:
            folder = Path(self.args.output_dir) / f"checkpoint-{self.state.global_step}"
            with whole_checkpoint(folder) if is_first() else nullcontext():
                super()._save_checkpoint(model, trial)
                wait_for_all()  # each process writes its random state

        def create_model_card(self, *args: Any, **kwargs: Any) -> None:
            """Leave README.md to the stage that knows the scores."""

    return RecipeTrainer


def _complete_checkpoints() -> Any:
    """Return a callback that has everything up to a checkpoint in metrics.jsonl before the checkpoint is written.

    A line gives the mean loss since the line before, which a checkpoint does not hold: without a line of its own, a
    resumed run would give the mean of fewer steps. And an epoch's evaluation comes after its last step: a kill between
    the two would lose it, so the checkpoint waits.
    """
    from transformers import TrainerCallback

    class CompleteCheckpoints(TrainerCallback):
        waits = False

        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            control.should_log |= control.should_save
            self.waits = control.should_save and (float(state.epoch).is_integer() or control.should_training_stop)
            control.should_save &= not self.waits

        def on_epoch_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            control.should_save |= self.waits
            control.should_log |= control.should_save
            self.waits = False

    return CompleteCheckpoints()

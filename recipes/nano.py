"""The nano base: a 3.4M-parameter Llama, from random weights, on plain text of sentences and OpenSCAD programs.

    python recipes/nano.py                                   # about an hour on two cores; a killed run resumes
    python recipes/nano.py --start-from outputs/nano/model --seed 2 --out outputs/nano-2     # train on
    python recipes/nano.py --max-steps 2                     # a smoke test

It is to recipes/cadmonkey.py what Llama-3.2-1B is on a GPU: a *base* checkpoint. It has read programs but no
conversation, so <|eot_id|>, the header tokens and the reserved tokens are in its vocabulary and untrained.
The published one lies in cadmonkey/assets/nano, with its card.
"""

import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import tyro

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # recipes/cadmonkey.py hides the package

from cadmonkey.data.rows import Row, make_rows
from cadmonkey.files import read_jsonl, write_json, write_jsonl
from cadmonkey.parts import PLAIN
from cadmonkey.terminal import progress, run
from cadmonkey.training.packing import PackedCollator, pack_examples
from cadmonkey.training.scratch import encode_document, save_base, train_tokenizer


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Every choice of this run; the card of the published model lists its three runs."""

    start_from: str = ""
    """Folder of an earlier model to train on, with its tokenizer and sizes; random weights if empty."""
    documents: int = 130_000
    """Synthetic parts to read, all of the train split."""
    vocab_size: int = 1024
    """Tokens, special ones included."""
    hidden_size: int = 256
    """Width of the residual stream."""
    num_hidden_layers: int = 4
    """Transformer blocks."""
    num_attention_heads: int = 4
    """Query heads of 64 dimensions."""
    num_key_value_heads: int = 2
    """Key and value heads, shared by the query heads (grouped-query attention)."""
    intermediate_size: int = 768
    """Width of the feed-forward layers; a multiple of 256, as k-quants need."""
    learning_rate: float = 6e-3
    """Peak learning rate of the matrices, by Muon (cosine, after warmup_steps)."""
    embedding_learning_rate: float = 1.5e-3
    """Peak learning rate of embedding and norms, by AdamW."""
    warmup_steps: int = 100
    """Steps of linear warm-up."""
    weight_decay: float = 0.05
    """Weight decay of the matrices."""
    row_length: int = 256
    """Tokens of a row; whole documents are packed into rows and do not see each other."""
    per_device_train_batch_size: int = 12
    """Rows in one step."""
    num_train_epochs: float = 1.0
    """Passes over the documents."""
    max_steps: int = -1
    """Stop after this many steps; -1 reads all documents."""
    seed: int = 1
    """Seed of documents, weights and order."""
    workers: int = 2
    """Processes that make the documents."""
    out: Path = Path("outputs/nano")
    """The run's folder; the model lands in `model/`."""


def documents(recipe: Recipe) -> list[Row]:
    """The rows to read: from the run's folder, if an earlier start of this run made them."""
    path = recipe.out / "documents.jsonl"
    count = recipe.documents if recipe.max_steps < 0 else recipe.max_steps * recipe.per_device_train_batch_size * 4
    rows = read_jsonl(path) if path.is_file() else []
    if len(rows) != count:
        with progress("documents", count) as advance:
            made = make_rows(count, recipe.seed, "train", recipe.workers, PLAIN)
            rows = [row for row in made if advance("") is None]
        write_jsonl(path, rows)
    return rows


def base_model(recipe: Recipe, rows: list[Row]) -> tuple[Any, Any]:
    """A Llama with random weights and a tokenizer trained on the documents, or both of an earlier run."""
    from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM

    if recipe.start_from:
        model = AutoModelForCausalLM.from_pretrained(recipe.start_from, dtype="float32")
        return model, AutoTokenizer.from_pretrained(recipe.start_from)
    texts = (row["prompt"] + "\n" + row["completion"] for row in rows[:50_000])
    tokenizer = train_tokenizer(texts, recipe.vocab_size)
    config = LlamaConfig(
        vocab_size=recipe.vocab_size,
        hidden_size=recipe.hidden_size,
        num_hidden_layers=recipe.num_hidden_layers,
        num_attention_heads=recipe.num_attention_heads,
        num_key_value_heads=recipe.num_key_value_heads,
        intermediate_size=recipe.intermediate_size,
        max_position_embeddings=1024,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return LlamaForCausalLM(config), tokenizer


def main(recipe: Recipe) -> None:
    """Make the documents, train the tokenizer, train the model, save it."""
    import torch
    from datasets import Dataset
    from transformers import Trainer, TrainingArguments, set_seed

    from cadmonkey.training.muon import MuonAdamW

    write_json(recipe.out / "recipe.json", asdict(recipe) | {"out": str(recipe.out)})
    rows = documents(recipe)
    set_seed(recipe.seed)
    model, tokenizer = base_model(recipe, rows)
    model.config.use_cache = False
    packed = pack_examples([encode_document(tokenizer, row) for row in rows], recipe.row_length, recipe.seed)
    optimizer = MuonAdamW(
        model,
        lr=recipe.learning_rate,
        embedding_lr=recipe.embedding_learning_rate,
        weight_decay=recipe.weight_decay,
    )
    trainer = Trainer(
        model=model,
        args=TrainingArguments(
            output_dir=str(recipe.out),
            learning_rate=recipe.learning_rate,
            lr_scheduler_type="cosine",
            warmup_steps=recipe.warmup_steps,
            per_device_train_batch_size=recipe.per_device_train_batch_size,
            num_train_epochs=recipe.num_train_epochs,
            max_steps=recipe.max_steps,
            bf16=True,
            use_cpu=not torch.cuda.is_available(),
            logging_steps=20,
            save_steps=200,
            save_total_limit=2,
            seed=recipe.seed,
            report_to="none",
        ),
        train_dataset=Dataset.from_list(packed),
        data_collator=PackedCollator(tokenizer.pad_token_id),
        optimizers=(optimizer, None),
    )
    trainer.train(resume_from_checkpoint=any(recipe.out.glob("checkpoint-*")))
    save_base(model, tokenizer, recipe.out / "model")


if __name__ == "__main__":
    run(lambda: main(tyro.cli(Recipe, description=__doc__)))

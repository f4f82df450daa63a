"""Your own data, any Llama or Qwen: LoRA on prompts and answers, or on whole conversations.

    few="--max-steps 90 --gradient-accumulation-steps 1 --learning-rate 1e-3"    # for some 40 rows: five times each
    cadmonkey plan qlora --datasets mine.jsonl $few                       # what it does and costs; what suits your rows
    python recipes/qlora.py --datasets mine.jsonl --max-steps 2 --out outputs/try           # every stage, in a minute
    python recipes/qlora.py --datasets mine.jsonl $few
    python recipes/qlora.py --datasets mine.jsonl more.csv --dataset-weights 2 0.5 $few --out outputs/mixed
    python recipes/qlora.py --datasets mine.jsonl $few --compare conservative int8          # an A/B run and its table
    python recipes/qlora.py --datasets many.jsonl         # a GPU and 13,000 rows or more: 2,000 steps of 32, as preset
    python recipes/qlora.py --datasets many.jsonl --preset int8 --base-model Qwen/Qwen2.5-7B-Instruct

docs/own-data.md lists the formats. Data, plan, preflight, fine-tuning, merge, GGUF with proof, answers to held-out
prompts, compared with yours; programs of CAD parts are judged in millimetres. Each stage starts from the files of the
one before; run the command again and it skips what is done, or resumes. Without a GPU it trains the shipped nano base,
in 32 bits.
"""

import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # recipes/cadmonkey.py hides the package

from cadmonkey.gguf.quantise import check_quants
from cadmonkey.terminal import run, run_apart
from cadmonkey.training.comparison import check_same_rows, compare_runs, print_comparison
from cadmonkey.training.finetune import finetune
from cadmonkey.training.options import Options, has_cuda, read_runs
from cadmonkey.training.processes import is_first
from cadmonkey.training.recipe import Recipe
from cadmonkey.training.start import start_run

CONSERVATIVE = Recipe(
    base_model="unsloth/Llama-3.2-1B-Instruct",
    load_in_4bit=True,
    gradient_checkpointing=True,
    lora_rank=16,
    lora_alpha=32,
    learning_rate=1e-4,
    warmup_steps=200,
    weight_decay=0.0,
    optim="adamw_8bit",
    per_device_train_batch_size=2,
    gradient_accumulation_steps=16,
    max_steps=2000,
    max_seq_length=2048,
    logging_steps=25,
    eval_steps=500,
    save_steps=500,
)
GPU_PRESETS = {
    "conservative": CONSERVATIVE,
    "aggressive": replace(
        CONSERVATIVE,
        per_device_train_batch_size=4,
        learning_rate=2e-4,
        max_steps=5000,
        warmup_steps=500,
        weight_decay=0.01,
    ),
    "int8": replace(
        CONSERVATIVE,
        load_in_4bit=False,
        load_in_8bit=True,
        lora_rank=32,
        lora_alpha=64,
        use_rslora=True,
        lora_dropout=0.1,
    ),
}
"""None of them trains embeddings, but for the rows of end tokens that turn out to be untrained."""


def on_cpu(recipe: Recipe) -> Recipe:
    """The same choices for the model that ships with the package: 3.4M weights, which need no saving of memory."""
    roomy = replace(recipe, load_in_4bit=False, load_in_8bit=False, gradient_checkpointing=False)
    return replace(roomy, base_model="cadmonkey/assets/nano", optim="adamw_torch", max_seq_length=1024)


PRESETS = GPU_PRESETS if has_cuda() else {name: on_cpu(recipe) for name, recipe in GPU_PRESETS.items()}


def main() -> None:
    """Run the stages, or those of several presets on the same rows."""
    runs = read_runs("qlora", PRESETS, "conservative", description=str(__doc__))
    check_quants(runs[0].recipe.quants)
    if not has_cuda() and is_first():
        print("preset: no GPU here, so it is the nano base, 32 bits, no checkpointing, adamw_torch, 1,024 tokens a row")
    if len(runs) == 1:
        train(runs[0])
        return
    folders = [options.out for options in runs]
    for options in runs:
        start_run(options, references="held-out")
    check_same_rows(folders)
    for options in runs:
        print(f"== {options.preset}", flush=True)
        run_apart(train, options)
    print_comparison(compare_runs(folders, folders[0].parent))


def train(options: Options) -> None:
    """Go from the data to the answers."""
    start_run(options, references="held-out")
    finetune(options.recipe, options.out)
    if not is_first():  # torchrun and `accelerate launch` start a process for each GPU
        return
    from cadmonkey.gguf.release import export_run  # after the engine, which comes before all of transformers

    export_run(options.out, options.recipe.quants)
    answer(options)


def answer(options: Options) -> None:
    """Answer the held-out prompts with the last GGUF, and compare with the answers that they should get."""
    from cadmonkey.evaluation import are_parts, compare_answers, evaluate, print_answers, print_scores
    from cadmonkey.files import read_jsonl
    from cadmonkey.gguf import update_card
    from cadmonkey.inference.predictions import predict

    recipe, out, references = options.recipe, options.out, options.out / "references.jsonl"
    model, room = out / f"model-{recipe.quants[-1]}.gguf", 2 * recipe.max_seq_length
    predict(model, read_jsonl(references), out, max_tokens=recipe.max_seq_length, n_ctx=room)
    print_answers(compare_answers(out / "predictions.jsonl", references, out))
    if are_parts(references):
        print_scores(evaluate(out / "predictions.jsonl", references, out))
    update_card(out)


if __name__ == "__main__":
    run(main)

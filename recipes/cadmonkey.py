"""CadMonkey: a sentence becomes an OpenSCAD program.

    python recipes/cadmonkey.py                     # picks the preset: a GPU llama-3.2-1b, a CPU nano
    python recipes/cadmonkey.py --max-steps 2       # every stage in under a minute
    python recipes/cadmonkey.py --preset nano --learning-rate 5e-4 --out outputs/mine
    torchrun --nproc-per-node 2 recipes/cadmonkey.py        # on two GPUs

Data, plan, preflight, LoRA fine-tuning, merge, GGUF with proof, programs for unseen prompts, judged in millimetres.
Each stage starts from the files of the one before; run the command again and it skips what is done, or resumes.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # else this file would hide the package of its name

from cadmonkey.gguf.quantise import check_quants
from cadmonkey.terminal import run
from cadmonkey.training.finetune import finetune
from cadmonkey.training.options import Options, has_cuda, read_options
from cadmonkey.training.processes import is_first
from cadmonkey.training.recipe import Recipe
from cadmonkey.training.start import start_run

PRESETS = {
    "nano": Recipe(
        base_model="cadmonkey/assets/nano",
        own_parts=3000,
        own_mix="plain",
        num_train_epochs=2,
        group_by_length=False,  # parts of one length are parts of one family: such batches pull to and fro
        lora_rank=32,
        lora_alpha=64,
        learning_rate=5e-4,
        warmup_steps=20,
        per_device_train_batch_size=16,
        max_seq_length=512,
    ),
    "llama-3.2-1b": Recipe(
        base_model="unsloth/Llama-3.2-1B-Instruct",
        datasets=("ThomasTheMaker/Synthetic-Object-v0", "ThomasTheMaker/Synthetic-Object"),
        own_parts=50_000,
        load_in_4bit=True,
        gradient_checkpointing=True,
        # The original's r=256, alpha=512 trains a quarter as many parameters as the model has; a quarter of that rank
        # at the same alpha / r does it in far less memory.
        lora_rank=64,
        lora_alpha=128,
        learning_rate=5e-5,
        warmup_steps=50,
        weight_decay=0.01,
        optim="adamw_8bit",
        per_device_train_batch_size=16,
        gradient_accumulation_steps=8,
        num_train_epochs=3,
        max_seq_length=2048,
    ),
}


def main() -> None:
    """Run the stages."""
    automatic = "llama-3.2-1b" if has_cuda() else "nano"
    options = read_options("cadmonkey", PRESETS, automatic, description=str(__doc__))
    recipe, out = options.recipe, options.out
    if automatic == "nano" and "--preset" not in " ".join(sys.argv):
        print("preset: nano, for there is no CUDA GPU; with one: llama-3.2-1b (Llama-3.2-1B-Instruct, 4-bit LoRA)")
    check_quants(options.recipe.quants)
    start_run(options)
    finetune(recipe, out)
    if not is_first():  # torchrun and `accelerate launch` start a process for each GPU
        return
    from cadmonkey.gguf.release import export_run  # after the engine, which comes before all of transformers

    export_run(out, recipe.quants)
    generate_and_judge(options)


def generate_and_judge(options: Options) -> None:
    """Write programs for the unseen prompts with the last GGUF, judge them, and put the scores on the card."""
    from cadmonkey.evaluation import evaluate, print_scores
    from cadmonkey.files import read_jsonl
    from cadmonkey.gguf import update_card
    from cadmonkey.inference.predictions import predict

    out, references = options.out, options.out / "references.jsonl"
    model = out / f"model-{options.recipe.quants[-1]}.gguf"
    predict(model, read_jsonl(references), out, max_tokens=options.recipe.max_seq_length)
    print_scores(evaluate(out / "predictions.jsonl", references, out))
    update_card(out)
    print(f"report: {out / 'report.html'}")


if __name__ == "__main__":
    run(main)

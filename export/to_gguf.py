"""Write a trained run, or a model folder (Llama, Mistral, Qwen 2 and 3, Gemma 3), as GGUF files proven equal to it.

    python export/to_gguf.py outputs/cadmonkey-nano --quants f16 q8_0

Exit status: 0 proven, 2 bad input, 3 a file failed its proof and is named *.unproven.gguf, 1 anything else.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from cadmonkey.gguf import export, print_proof
from cadmonkey.gguf.adapter_file import export_adapter
from cadmonkey.gguf.release import DEFAULT_QUANTS
from cadmonkey.terminal import check_writable, run


@dataclass(frozen=True, kw_only=True)
class Export:
    """Write a trained run, or a model folder (Llama, Mistral, Qwen, Gemma 3), as GGUF files proven equal to it."""

    folder: Annotated[Path, tyro.conf.Positional]
    """Run folder (recipe.json and adapter/ or model/) or Hugging Face model folder."""
    quants: tuple[str, ...] = DEFAULT_QUANTS
    """Kinds of files, all written in one pass over the weights: f16, q8_0, bf16, f32, q6_k, q4_k_m, iq4_xs, ..."""
    out: Path | None = None
    """Where the files go; the run folder itself, or gguf/ in a model folder, unless given."""
    prompts: Path | None = None
    """JSONL with "prompt" and maybe "completion" to prove on; the run's references.jsonl unless given."""
    limit: int = 300
    """Prove on this many prompts at most."""
    imatrix: Annotated[tuple[Path, ...] | None, tyro.conf.arg(metavar="[FILE ...]")] = None
    """Round the small kinds by an importance matrix, measured on the run's own training data, or on JSONL files with
    "prompt" and maybe "completion" named here (a model folder needs one); the smallest kinds cannot do without."""
    adapter: bool = False
    """Write the run's LoRA adapter as adapter.gguf, too, for a GGUF file of the base model (llama.cpp's --lora)."""


def main(choices: Export) -> None:
    """Export, print the proof, and fail if a file is not the trained model."""
    check_writable(choices.out or choices.folder)
    if choices.adapter:
        _say(f"wrote {export_adapter(choices.folder, choices.out)}")
    proof = export(
        choices.folder,
        choices.quants,
        choices.out,
        choices.prompts,
        limit=choices.limit,
        imatrix=choices.imatrix,
        on_step=_say,
    )
    print_proof(proof)
    proof.require()


def _say(step: str) -> None:
    print(step, file=sys.stderr)


if __name__ == "__main__":
    run(lambda: main(tyro.cli(Export)))

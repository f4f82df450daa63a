"""Write a trained run, or a model (Llama, Mistral, Qwen 2 and 3, Gemma 3), as GGUF files proven equal to it.

    python export/to_gguf.py outputs/cadmonkey-nano --quants f16 q8_0
    python export/to_gguf.py Qwen/Qwen2.5-0.5B-Instruct --quants q4_k_m --out parts/
    python export/to_gguf.py outputs/cadmonkey-nano --push me/my-model

Exit status: 0 proven, 2 bad input, 3 a file failed its proof and is named *.unproven.gguf, 1 anything else.
docs/export.md has what is written and what is proven.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from cadmonkey.gguf import UnprovenError, check_push, export, export_without_proof, fetch_model, print_proof, push
from cadmonkey.gguf.origin import HUB_ID
from cadmonkey.gguf.release import DEFAULT_QUANTS, is_proven, release_folder
from cadmonkey.terminal import check_writable, run


@dataclass(frozen=True, kw_only=True)
class Export:
    """Write a trained run, or a model (Llama, Mistral, Qwen, Gemma 3), as GGUF files proven equal to it."""

    folder: Annotated[Path, tyro.conf.Positional]
    """Run folder (recipe.json and adapter/ or model/), Hugging Face model folder, or a model's id on the Hub."""
    quants: tuple[str, ...] = DEFAULT_QUANTS
    """Kinds of files: f16, q8_0, bf16, f32, written in one pass over the weights; q6_k, q5_k_m, q4_k_m, ..."""
    out: Path | None = None
    """Where the files go; the run folder, gguf/ in a model folder, outputs/NAME-gguf for a Hub id, unless given."""
    prompts: Path | None = None
    """JSONL with "prompt" and maybe "completion" to prove on; the run's references.jsonl unless given."""
    limit: int = 300
    """Prove on this many prompts at most."""
    imatrix: Annotated[tuple[Path, ...] | None, tyro.conf.arg(metavar="[FILE ...]")] = None
    """Round the small kinds by an importance matrix, measured on the run's own training data, or on JSONL files with
    "prompt" and maybe "completion" named here (a model folder needs one); the smallest kinds cannot do without."""
    proof: bool = True
    """Compare every file with the trained model; without it the files are marked as not proven."""
    push: Annotated[str | None, tyro.conf.arg(metavar="REPO")] = None
    """Upload the proven files to this repository of the Hugging Face Hub, OWNER/NAME; what is proven already is not
    exported again."""
    private: bool = False
    """Make the repository a private one, if --push has to make it."""


def main(choices: Export) -> None:
    """Export, print the proof, fail if a file is not the trained model, and push."""
    if choices.push is not None:
        check_push(choices.push)
        if not choices.proof:
            raise UnprovenError("--push: expected proven files, got --no-proof; leave one of the two out")
    folder, out = _find(choices)
    check_writable(out or folder)
    if not choices.proof:
        written = export_without_proof(folder, choices.quants, out, imatrix=choices.imatrix, on_step=_say)
        print(f"{written}: NOT PROVEN, for the proof was skipped")
        return
    target = release_folder(folder, out)
    if choices.push is not None and choices.prompts is None and is_proven(folder, target, choices.quants):
        _say(f"proven already ({target / 'proof.json'})")
    else:
        proof = export(
            folder,
            choices.quants,
            out,
            choices.prompts,
            limit=choices.limit,
            imatrix=choices.imatrix,
            on_step=_say,
        )
        print_proof(proof)
        proof.require()
    if choices.push is not None:
        _say(f"uploading to {choices.push}")
        print(push(target, choices.push, private=choices.private))


def _find(choices: Export) -> tuple[Path, Path | None]:
    """Return the folder to export and where the files go, None for its own place; a Hub id is downloaded."""
    name = str(choices.folder)
    if choices.folder.exists() or not HUB_ID.fullmatch(name):
        return choices.folder, choices.out
    _say(f"{name} is no folder here: looking on the Hub")
    return fetch_model(name), choices.out or Path("outputs") / f"{choices.folder.name}-gguf"


def _say(step: str) -> None:
    print(step, file=sys.stderr)


if __name__ == "__main__":
    run(lambda: main(tyro.cli(Export)))

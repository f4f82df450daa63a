"""Write a trained run, an adapter or a model (Llama, Mistral, Qwen 2 and 3, Gemma 3) as GGUF files proven equal to it.

    python export/to_gguf.py outputs/cadmonkey-nano --quants f16 q8_0
    python export/to_gguf.py Qwen/Qwen2.5-0.5B-Instruct --quants q4_k_m --out parts/
    python export/to_gguf.py path/to/lora --base meta-llama/Llama-3.2-1B-Instruct
    python export/to_gguf.py outputs/cadmonkey-nano --push me/my-model

Exit status: 0 proven, 2 bad input, 3 a file failed its proof and is named *.unproven.gguf, 1 anything else.
docs/export.md has what is written and what is proven.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from cadmonkey.errors import InputError
from cadmonkey.gguf import (
    UnprovenError,
    check_push,
    export,
    export_without_proof,
    fetch_base,
    fetch_model,
    print_proof,
    push,
)
from cadmonkey.gguf.folders import trained_parts
from cadmonkey.gguf.origin import HUB_ID
from cadmonkey.gguf.quantise import check_quants
from cadmonkey.gguf.release import DEFAULT_LIMIT, DEFAULT_QUANTS, check_enough_prompts, is_proven, release_folder
from cadmonkey.terminal import check_writable, run


@dataclass(frozen=True, kw_only=True)
class Export:
    """Write a trained run, an adapter or a model (Llama, Mistral, Qwen, Gemma 3) as GGUF files proven equal to it."""

    folder: Annotated[Path, tyro.conf.Positional]
    """Run folder, adapter folder (PEFT, TRL, Unsloth), Hugging Face model folder, or an id on the Hub."""
    quants: tuple[str, ...] = DEFAULT_QUANTS
    """Kinds of files: f32, bf16, f16, q8_0, q6_k, q5_k_m, q4_k_m, iq4_xs, ...; an unknown one has all of them named."""
    out: Annotated[str | None, tyro.conf.arg(metavar="FOLDER")] = None
    """Where the files go; the run folder, gguf/ in another folder, outputs/NAME-gguf for a Hub id, unless given."""
    base: Annotated[str | None, tyro.conf.arg(metavar="FOLDER_OR_ID")] = None
    """Merge the adapter into this model, with 16-bit weights, where the recorded base has moved or is quantised."""
    prompts: Path | None = None
    """JSONL with "prompt" and maybe "completion" to prove on; the run's references.jsonl unless given."""
    limit: int = DEFAULT_LIMIT
    """Prove on this many prompts at most."""
    imatrix: Annotated[tuple[Path, ...] | None, tyro.conf.arg(metavar="[FILE ...]")] = None
    """Round small kinds by an importance matrix, of the run's training data or these JSONL files; some need one."""
    adapter: bool = False
    """Write the LoRA adapter as adapter.gguf, too, for a GGUF file of the base model (llama.cpp's --lora)."""
    proof: bool = True
    """Compare every file with the trained model; without it the files are marked as not proven."""
    push: Annotated[str | None, tyro.conf.arg(metavar="REPO")] = None
    """Upload the files to this repository of the Hub, OWNER/NAME, once proven; what is proven is not exported again."""
    private: bool = False
    """Make the repository a private one, if --push has to make it."""


def main(choices: Export) -> None:
    """Export, print the proof, fail if a file is not the trained model, and push."""
    if choices.out == "":  # as a path it would be the folder that the command runs in
        raise InputError("--out: expected a folder, got nothing; a dot stands for the folder that you are in")
    if choices.push is not None:
        if not choices.proof:
            raise UnprovenError("--push: expected proven files, got --no-proof; leave one of the two out")
        check_enough_prompts(choices.folder, choices.prompts, choices.limit)
        check_push(choices.push)
    check_quants(choices.quants, has_importance=choices.imatrix is not None)
    folder = _find(choices.folder)
    out = None if folder == choices.folder else Path("outputs") / f"{choices.folder.name}-gguf"
    out = out if choices.out is None else Path(choices.out)
    base = fetch_base(folder) if choices.base is None else _find(Path(choices.base))
    trained_parts(folder, base)
    check_writable(out or folder)
    target = release_folder(folder, out)
    if choices.proof:
        _export(choices, folder, target, base)
    else:
        _export_without_proof(choices, folder, target, base)
    if choices.push is not None:
        _say(f"uploading to {choices.push}")
        print(push(target, choices.push, private=choices.private))


def _export(choices: Export, folder: Path, target: Path, base: Path | None) -> None:
    """Export with proof, but what was proven before and is only to be pushed."""
    given = (choices.prompts, choices.base, choices.imatrix, choices.adapter or None)
    asked_anew = choices.push is None or any(value is not None for value in given) or choices.limit != DEFAULT_LIMIT
    if not asked_anew and is_proven(folder, target, choices.quants, base):
        _say(f"proven already ({target / 'proof.json'})")
        return
    proof = export(
        folder,
        choices.quants,
        target,
        choices.prompts,
        limit=choices.limit,
        imatrix=choices.imatrix,
        base=base,
        adapter=choices.adapter,
        on_step=_say,
    )
    print_proof(proof)
    proof.require()


def _export_without_proof(choices: Export, folder: Path, target: Path, base: Path | None) -> None:
    written = export_without_proof(
        folder,
        choices.quants,
        target,
        imatrix=choices.imatrix,
        base=base,
        adapter=choices.adapter,
        on_step=_say,
    )
    for path in written:
        print(f"{path}: NOT PROVEN, for the proof was skipped")


def _find(folder: Path) -> Path:
    """Return the folder, or the one that its name is downloaded to if it is a Hub id and no folder."""
    if folder.exists() or not HUB_ID.fullmatch(str(folder)):
        return folder
    _say(f"{folder} is no folder here: looking on the Hub")
    return fetch_model(str(folder))


def _say(step: str) -> None:
    print(step, file=sys.stderr)


if __name__ == "__main__":
    run(lambda: main(tyro.cli(Export)))

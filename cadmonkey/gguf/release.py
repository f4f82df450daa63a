"""From a trained folder to GGUF files that are proven, with Modelfile and model card beside them."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cadmonkey.cad.grammar import gbnf
from cadmonkey.files import explain_os_error, write_json, write_text
from cadmonkey.gguf.card import write_card
from cadmonkey.gguf.imatrix import Importance, importance_of
from cadmonkey.gguf.merge import base_folder, load_merged, to_fastest_device
from cadmonkey.gguf.modelfile import write_modelfile
from cadmonkey.gguf.origin import Origin, read_origin
from cadmonkey.gguf.proof import FileProof, Proof
from cadmonkey.gguf.prove import prove_file, read_questions
from cadmonkey.gguf.quantise import check_quants
from cadmonkey.gguf.table import print_proof
from cadmonkey.gguf.tokenizer import StoredTokenizer
from cadmonkey.gguf.trained import TrainedModel, open_trained
from cadmonkey.gguf.write import write_gguf

DEFAULT_QUANTS = ("f16", "q8_0")

_Report = Callable[[str], None]


def export(
    folder: Path,
    quants: Sequence[str] = DEFAULT_QUANTS,
    out: Path | None = None,
    prompts: Path | None = None,
    *,
    limit: int = 300,
    imatrix: Sequence[Path] | None = None,
    on_step: _Report = lambda step: None,
) -> Proof:
    """Write model-<quant>.gguf for each of `quants`, proof.json, grammar.gbnf, Modelfile and README.md (the card).

    `folder` is a run folder or a model folder; `out` is the run folder itself, or `gguf` in the model folder, unless it
    is given. `prompts` is a JSONL file with "prompt" and, where known, "completion"; without one the run's own
    references.jsonl serves, and for a bare model a few plain sentences. A file that fails its proof is named
    model-<quant>.unproven.gguf and the returned proof says why (`Proof.require` raises). `on_step` is told what begins.
    `imatrix` are JSONL files to measure an importance matrix on for the small kinds, () the run's own training data.

    Raises:
        InputError: something given is wrong; nothing has been written.
        RunError: the disk is full or llama.cpp failed; no file is half-written.
    """
    names = check_quants(quants, has_importance=imatrix is not None)
    is_run = (folder / "recipe.json").is_file()
    questions = read_questions(prompts or _own_references(folder), limit)
    target = out or (folder if is_run else folder / "gguf")
    origin = read_origin(folder, base_folder(folder))
    trained, stored_tokenizer = open_trained(folder)
    importance = None
    if imatrix is not None:
        on_step("measuring the importance matrix")
        importance = importance_of(folder, trained.config, imatrix)
    with _staging(target) as stage:
        write_files(trained, stored_tokenizer, stage, names, origin, importance=importance, on_step=on_step)
        on_step(f"loading {folder}")
        model, tokenizer = load_merged(folder)
        model = to_fastest_device(model)
        proofs = []
        for quant in names:
            path = stage / f"model-{quant}.gguf"
            on_step(f"proving {path.name} on {len(questions)} prompts")
            proofs.append(prove_file(path, quant, model, tokenizer, questions))
        proof = Proof(target, tuple(proofs))
        for file in proofs:
            _publish(stage / file.file, target, file)
    write_json(target / "proof.json", proof.as_dict())
    best = _best(proof)
    _write_grammars(target, origin)
    write_modelfile(target / "Modelfile", best.published_name, tokenizer)
    write_card(target / "README.md", proof, origin, best)
    return proof


def export_run(out: Path, quants: Sequence[str]) -> None:
    """Export the trained run `out` and print the proof; what is done already is left alone.

    Raises:
        RunError: the disk is full, llama.cpp failed, or a file does not say what the trained model says.
    """
    if (out / "proof.json").is_file() and all((out / f"model-{quant}.gguf").is_file() for quant in quants):
        print(f"gguf: done already ({out / 'proof.json'})")
        return
    proof = export(out, quants, on_step=lambda step: print(f"gguf: {step}", flush=True))
    print_proof(proof)
    proof.require()


def write_files(
    trained: TrainedModel,
    tokenizer: StoredTokenizer,
    folder: Path,
    quants: Sequence[str],
    origin: Origin,
    *,
    importance: Importance | None = None,
    on_step: _Report = lambda step: None,
) -> None:
    """Write model-<quant>.gguf for each of `quants` into `folder`, all in one pass over the weights.

    Raises:
        InputError: a kind needs `importance`, the tokenizer is not supported, or a weight file cannot be read.
        RunError: the disk is full, a weight is not finite, or llama.cpp failed.
    """
    on_step(f"writing {', '.join(quants)}")
    write_gguf(trained, tokenizer, {kind: folder / f"model-{kind}.gguf" for kind in quants}, origin, importance)


def _write_grammars(target: Path, origin: Origin) -> None:
    """Write the grammar of the run's language, or those of both where no language was recorded."""
    write_text(target / "grammar.gbnf", gbnf(origin.language or "openscad"))
    if not origin.language:
        write_text(target / "grammar-ir.gbnf", gbnf("ir"))


def _own_references(folder: Path) -> Path | None:
    path = folder / "references.jsonl"
    return path if path.is_file() else None


@contextmanager
def _staging(target: Path) -> Iterator[Path]:
    """Yield a hidden folder in `target`, so that no file has its name before its verdict; gone afterwards.

    Its name is fixed, so that an export that was killed leaves nothing that the next one does not clear away.
    """
    stage = target / ".gguf-part"
    try:
        shutil.rmtree(stage, ignore_errors=True)
        stage.mkdir(parents=True)
        yield stage
    except OSError as error:
        raise explain_os_error(error, target) from error
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _publish(staged: Path, target: Path, file: FileProof) -> None:
    """Give the file the name its verdict allows, and remove its namesake of an earlier export."""
    for name in (f"model-{file.quant}.gguf", f"model-{file.quant}.unproven.gguf"):
        (target / name).unlink(missing_ok=True)
    staged.replace(target / file.published_name)


def _best(proof: Proof) -> FileProof:
    """Return the file to recommend: the smallest of those that passed, q8_0 before smaller ones."""
    ranked = sorted(proof.files, key=lambda file: (not file.proven, file.quant != "q8_0", file.size_bytes))
    return ranked[0]

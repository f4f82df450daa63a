"""From a trained folder to GGUF files that are proven, with Modelfile, model card and checksums beside them."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from cadmonkey.cad.grammar import gbnf
from cadmonkey.data.chat import asked, conversation, render_chat, user_message
from cadmonkey.errors import InputError
from cadmonkey.files import read_jsonl, write_json, write_text
from cadmonkey.gguf.adapter_file import FILE_NAME, check_adapter, write_adapter
from cadmonkey.gguf.card import write_card
from cadmonkey.gguf.checksums import is_finished, write_checksums
from cadmonkey.gguf.config import read_config
from cadmonkey.gguf.drift import measure_drift, trained_bits
from cadmonkey.gguf.encoding import STREAMED
from cadmonkey.gguf.folders import base_folder, trained_parts
from cadmonkey.gguf.imatrix import Calibration, Importance, measure_importance, read_calibration
from cadmonkey.gguf.merge import load_merged, to_fastest_device
from cadmonkey.gguf.modelfile import write_modelfile
from cadmonkey.gguf.origin import Origin, is_run, read_origin, run_of
from cadmonkey.gguf.original import Original
from cadmonkey.gguf.proof import Drift, FileProof, Proof, UnprovenError
from cadmonkey.gguf.prove import prove_against
from cadmonkey.gguf.quantise import check_quants
from cadmonkey.gguf.questions import MIN_PROMPTS, Question, read_questions
from cadmonkey.gguf.record import (
    RECORD,
    Entry,
    best_file,
    intact_adapter,
    intact_entries,
    is_fully_proven,
    join_records,
    model_sha256,
    read_drift,
    read_proof,
    read_record,
    sha256_of,
)
from cadmonkey.gguf.table import print_proof
from cadmonkey.gguf.target import claimed, publish, staging
from cadmonkey.gguf.tokenizer import StoredTokenizer
from cadmonkey.gguf.trained import TrainedModel, open_trained
from cadmonkey.gguf.write import write_gguf

DEFAULT_QUANTS = ("f16", "q8_0")
DEFAULT_LIMIT = 300

LONGEST_CONTEXT = 4096
"""Tokens of context that card and Modelfile ask for: enough for a part, and little memory."""

_Report = Callable[[str], None]


class _Merged:
    """The merged model in memory, loaded for the first that asks: the importance matrix or the proof."""

    def __init__(self, folder: Path, base: Path | None, on_step: _Report) -> None:
        """Load nothing yet."""
        self._folder, self._base, self._on_step = folder, base, on_step

    @cached_property
    def model_and_tokenizer(self) -> tuple[Any, Any]:
        """The model, on the fastest device, and its tokenizer."""
        self._on_step(f"loading {self._folder}")
        model, tokenizer = load_merged(self._folder, self._base)
        return to_fastest_device(model), tokenizer


@dataclass(frozen=True)
class _Job:
    """What is exported, and where to."""

    source: Path
    target: Path
    quants: tuple[str, ...]
    origin: Origin
    trained: TrainedModel
    tokenizer: StoredTokenizer
    calibration: Calibration | None
    on_step: _Report
    merged: _Merged
    base: Path | None
    adapter: bool
    """Whether the LoRA is written as a file of its own, too."""

    @cached_property
    def model_sha256(self) -> str:
        """By which the record knows the model."""
        return model_sha256(self.source, self.base)

    @cached_property
    def importance(self) -> Importance | None:
        """The importance matrix, if one was asked for."""
        if self.calibration is None:
            return None
        self.on_step("measuring the importance matrix")
        return measure_importance(*self.merged.model_and_tokenizer, self.trained.config, self.calibration)

    def calibration_sha256(self, quant: str) -> str | None:
        """By which the record knows the texts of the matrix that a kind is rounded by, None if by none."""
        return None if self.calibration is None or quant in STREAMED else self.calibration.sha256

    def write(self, stage: Path, quants: Sequence[str]) -> None:
        """Write the GGUF files into `stage`."""
        write_files(
            self.trained, self.tokenizer, stage, quants, self.origin, importance=self.importance, on_step=self.on_step
        )

    def publish(self, stage: Path, entry: Entry) -> None:
        """Give a file its place in the record and then its name, so that whatever lies there is known as ours."""
        path = stage / f"model-{entry['quant']}.gguf"
        calibration = self.calibration_sha256(entry["quant"])
        whole = entry | {"sha256": sha256_of(path), "calibration_sha256": calibration}
        record = _write_record(self, [whole])
        publish(path, self.target, whole)
        _write_papers(self, record)

    def publish_adapter(self, drift: Drift | None) -> dict[str, Any]:
        """Write the adapter's own file, and give it its place in the record, which is returned, and then its name."""
        path = self.target / FILE_NAME
        with staging(self.target) as stage:
            staged = stage / FILE_NAME
            write_adapter(self.trained, staged, self.origin)
            entry = {"file": FILE_NAME, "size_bytes": staged.stat().st_size, "sha256": sha256_of(staged)}
            record = _write_record(self, [], drift, entry)
            staged.replace(path)
        self.on_step(f"wrote {path}, which the proof does not cover")
        return record


def export(
    folder: Path,
    quants: Sequence[str] = DEFAULT_QUANTS,
    out: Path | None = None,
    prompts: Path | None = None,
    *,
    limit: int = DEFAULT_LIMIT,
    imatrix: Sequence[Path] | None = None,
    base: Path | None = None,
    adapter: bool = False,
    on_step: _Report = lambda step: None,
) -> Proof:
    """Write model-<quant>.gguf for each of `quants`, with proof.json, grammar, Modelfile, README.md and SHA256SUMS.

    `folder` is a run folder, an adapter folder, or a model folder; `out` is the run folder itself, or `gguf` in another
    folder, unless it is given. `base` stands for the recorded base of an adapter. `prompts` is a JSONL file with
    "prompt" and, where known, "completion"; without one the run's own references.jsonl serves, and elsewhere a few
    plain sentences. A file that fails its proof is named model-<quant>.unproven.gguf and the returned proof says why
    (`Proof.require` raises). Files of earlier exports of the same model stay, in the record and the card too, and those
    that were proven on the very same prompts are not proven again: after a kill the same call goes on. `adapter` writes
    the LoRA alone as adapter.gguf, too, whatever the proofs say. `on_step` is told what begins.

    Raises:
        InputError: something given is wrong; nothing has been written.
        RunError: the disk is full or llama.cpp failed; no file is half-written.
    """
    names = check_quants(quants, has_importance=imatrix is not None)
    questions = _questions(folder, prompts, limit)
    trained_parts(folder, base)
    with claimed(release_folder(folder, out), names, adapter=adapter):
        return _export_claimed(_open(folder, names, out, imatrix, base, adapter, on_step), questions)


def _export_claimed(job: _Job, questions: tuple[Question, ...]) -> Proof:
    asked, bits = _prompts_sha256(questions), trained_bits(job.source)
    proofs = _proven_before(job, asked)
    left = [quant for quant in job.quants if quant not in proofs]
    for file in proofs.values():
        job.on_step(f"{file.file} is proven already ({job.target / RECORD})")
    drift = None if left else read_drift(read_record(job.target))
    if left or (bits < 16 and drift is None):
        with staging(job.target) as stage:
            if left:
                job.write(stage, left)
            original = Original(*job.merged.model_and_tokenizer, questions)
            for quant in left:
                path = stage / f"model-{quant}.gguf"
                job.on_step(f"proving {path.name} on {len(questions)} prompts")
                imatrix = job.importance.imatrix if job.importance else None
                proofs[quant] = prove_against(path, quant, original, imatrix, job.origin)
                job.publish(stage, proofs[quant].as_dict() | {"prompts_sha256": asked})
            if bits < 16:
                job.on_step(f"measuring what the merge from {bits} bits changed")
            drift = measure_drift(job.source, original, job.base)
    _finish(job, drift)
    return Proof(job.target, tuple(proofs[quant] for quant in job.quants), drift)


def _proven_before(job: _Job, prompts_sha256: str) -> dict[str, FileProof]:
    """Return quant -> proof of the files that an earlier export, perhaps a killed one, wrote and proved just so."""
    return {
        entry["quant"]: proof
        for entry in intact_entries(job.target, job.model_sha256)
        if entry["quant"] in job.quants and entry.get("prompts_sha256") == prompts_sha256
        if entry.get("calibration_sha256") == job.calibration_sha256(entry["quant"])
        if (proof := read_proof(entry)) is not None and proof.proven
    }


def export_without_proof(
    folder: Path,
    quants: Sequence[str] = DEFAULT_QUANTS,
    out: Path | None = None,
    *,
    imatrix: Sequence[Path] | None = None,
    base: Path | None = None,
    adapter: bool = False,
    on_step: _Report = lambda step: None,
) -> tuple[Path, ...]:
    """Write what `export` writes, but compare nothing; proof.json and the card say so. Return the files not proven.

    Files that an earlier export proved are left alone: they would be written again just the same.

    Raises:
        InputError: something given is wrong; nothing has been written.
        RunError: the disk is full or llama.cpp failed; no file is half-written.
    """
    names = check_quants(quants, has_importance=imatrix is not None)
    trained_parts(folder, base)
    target = release_folder(folder, out)
    with claimed(target, names, adapter=adapter):
        job = _open(folder, names, out, imatrix, base, adapter, on_step)
        left = _left_without_proof(job)
        if left:
            with staging(target) as stage:
                job.write(stage, left)
                for quant in left:
                    job.publish(stage, _skipped_entry(stage / f"model-{quant}.gguf", quant))
        _finish(job)
    return tuple(target / f"model-{quant}.gguf" for quant in left)


def _left_without_proof(job: _Job) -> list[str]:
    """Return the kinds to write; of those that are proven only what another importance matrix makes other bits of."""
    left = list(job.quants)
    for entry in intact_entries(job.target, job.model_sha256):
        name, quant = entry["file"], entry["quant"]
        if quant not in left or entry["verdict"] != "proven":
            continue
        if entry.get("calibration_sha256") == job.calibration_sha256(quant):
            job.on_step(f"{name} is proven already ({job.target / RECORD}) and stays as it is")
            left.remove(quant)
        else:
            matrix = "another importance matrix" if job.calibration else "no importance matrix"
            job.on_step(f"{name} was proven; it is written anew with {matrix}, and not proven")
    return left


def _skipped_entry(path: Path, quant: str) -> Entry:
    size = path.stat().st_size
    return {"file": path.name, "quant": quant, "verdict": "skipped", "reasons": [_SKIPPED], "size_bytes": size}


_SKIPPED = "not proven: the proof was skipped (--no-proof)"


def export_run(out: Path, quants: Sequence[str]) -> None:
    """Export the trained run `out` and print the proof; what is proven already is left alone.

    Raises:
        RunError: the disk is full, llama.cpp failed, or a file does not say what the trained model says.
    """
    if is_proven(out, out, quants):
        print(f"gguf: done already ({out / RECORD})")
        return
    proof = export(out, quants, on_step=lambda step: print(f"gguf: {step}", flush=True))
    print_proof(proof)
    proof.require()


def is_proven(source: Path, target: Path, quants: Sequence[str], base: Path | None = None) -> bool:
    """Whether `target` holds files of these kinds of the very model in `source`, proven on MIN_PROMPTS or more."""
    record = read_record(target)
    if not is_finished(target) or (record.get("adapter") and intact_adapter(target, record) is None):
        return False
    entries = intact_entries(target, model_sha256(source, base))
    proven = {entry["quant"] for entry in entries if is_fully_proven(entry)}
    return proven.issuperset(quant.lower() for quant in quants)


def check_enough_prompts(folder: Path, prompts: Path | None, limit: int) -> None:
    """Find out before any work that a proof would be on too few prompts to be pushed.

    Raises:
        UnprovenError: it would.
        InputError: as `read_questions`.
    """
    count = len(_questions(folder, prompts, limit))
    if count < MIN_PROMPTS:
        raise UnprovenError(
            f"--push: expected files proven on {MIN_PROMPTS} prompts or more, got {count} by --prompts and --limit; "
            "leave them out or name more"
        )


def _questions(folder: Path, prompts: Path | None, limit: int) -> tuple[Question, ...]:
    return read_questions(prompts or _own_references(folder), limit, top_up=prompts is None)


def release_folder(source: Path, out: Path | None) -> Path:
    """Return where the files of `source` go: to `out`, else into the run folder, or gguf/ in another folder.

    Those of a run's checkpoint go beside it, for the training removes old checkpoints.
    """
    run = run_of(source)
    return out or (run / f"gguf-{source.name}" if run != source else source if is_run(source) else source / "gguf")


def update_card(run: Path) -> None:
    """Write the card and the checksums of a run again, with the scores that came after its export.

    Raises:
        InputError: the run has not been exported, or the folder cannot be written to.
    """
    entries = intact_entries(run, model_sha256(run))
    if not entries:
        raise InputError(f"{run / RECORD}: expected the record of an export of this run, got none; export it again")
    earlier = read_record(run)
    base, record = base_folder(run), earlier | {"files": entries, "adapter": intact_adapter(run, earlier)}
    write_card(run, run, record, read_origin(run, base), _context(read_config(base).context_length))
    write_checksums(run, record)


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


def _open(
    folder: Path,
    quants: tuple[str, ...],
    out: Path | None,
    imatrix: Sequence[Path] | None,
    base: Path | None,
    adapter: bool,
    on_step: _Report,
) -> _Job:
    origin = read_origin(folder, base_folder(folder, base))
    trained, tokenizer = open_trained(folder, base)
    _check_tokenizer(tokenizer, trained_parts(folder, base).tokenizer)
    if adapter:
        check_adapter(trained)
    calibration = None if imatrix is None else read_calibration(run_of(folder), imatrix)
    target, merged = release_folder(folder, out), _Merged(folder, base, on_step)
    return _Job(folder, target, quants, origin, trained, tokenizer, calibration, on_step, merged, base, adapter)


def _check_tokenizer(tokenizer: StoredTokenizer, place: Path) -> None:
    """Find out before any work that no prompt can be written or no answer can end."""
    config, template = place / "tokenizer_config.json", place / "chat_template.jinja"
    if tokenizer.eos_token is None:
        raise InputError(f"{config}: expected an eos_token, with which the model ends its answer, got none")
    if not tokenizer.chat_template:
        return
    bos, eos = tokenizer.bos_token or "", tokenizer.eos_token
    try:
        render_chat(
            tokenizer.chat_template, user_message("a cube"), bos_token=bos, eos_token=eos, add_generation_prompt=True
        )
    except InputError as error:
        raise InputError(f"{template if template.is_file() else config}: {error}") from error


def _finish(job: _Job, drift: Drift | None = None) -> None:
    """Write the adapter's own file if it is asked for, and bring everything that lies beside the files up to date."""
    record = job.publish_adapter(drift) if job.adapter else _write_record(job, [], drift)
    _write_papers(job, record)
    _warn_of_strangers(job)


def _write_record(
    job: _Job, entries: Sequence[Entry], drift: Drift | None = None, adapter: Entry | None = None
) -> dict[str, Any]:
    """Write and return the record with these entries; the others stay whose files are still there as they were.

    It names every file with its hash, and is written before the file has its name: after a kill, what it does not know
    is not ours, and what has another hash counts as not exported.
    """
    target, model = job.target, job.model_sha256
    kept = intact_entries(target, model, replaced=[entry["quant"] for entry in entries])
    earlier = read_record(target)
    earlier = earlier if earlier.get("model_sha256") == model else {}
    record = join_records(earlier, [*kept, *entries], drift) | {"model_sha256": model}
    if known := adapter or intact_adapter(target, earlier):
        record["adapter"] = known
    write_json(target / RECORD, record)
    return record


def _write_papers(job: _Job, record: dict[str, Any]) -> None:
    """Write what lies beside the GGUF files and their record."""
    target = job.target
    n_ctx = _context(job.trained.config.context_length)
    _write_grammars(target, job.origin)
    best = best_file(record)
    (target / "Modelfile").unlink(missing_ok=True)
    if best["verdict"] != "unproven":
        write_modelfile(target / "Modelfile", best["file"], job.tokenizer, n_ctx, _common_system(job.source))
    write_card(target, job.source, record, job.origin, n_ctx)
    write_checksums(target, record)


def _warn_of_strangers(job: _Job) -> None:
    record = read_record(job.target)
    known = {entry["file"] for entry in (*record["files"], record.get("adapter") or {"file": ""})}
    for path in sorted((*job.target.glob("model-*.gguf"), *job.target.glob(FILE_NAME))):
        if path.name not in known:
            job.on_step(f"warning: {path} is of another model or export; the card leaves it out, remove it")


def _context(length: int) -> int:
    return min(length, LONGEST_CONTEXT)


def _common_system(folder: Path) -> str:
    """Return the system message that every held-out conversation of a run begins with, "" if there is no such."""
    path = _own_references(folder)
    first = [conversation(asked(row))[0] for row in read_jsonl(path)] if path else []
    texts = {turn["content"] if turn["role"] == "system" else "" for turn in first}
    return texts.pop() if len(texts) == 1 else ""


def _write_grammars(target: Path, origin: Origin) -> None:
    """Write the grammar of the run's language, or those of both where no language was recorded."""
    write_text(target / "grammar.gbnf", gbnf(origin.language or "openscad"))
    if not origin.language:
        write_text(target / "grammar-ir.gbnf", gbnf("ir"))


def _prompts_sha256(questions: Sequence[Question]) -> str:
    """Return a hash by which two proofs are known to be on the same prompts and answers."""
    return hashlib.sha256(json.dumps([astuple(question) for question in questions]).encode()).hexdigest()


def _own_references(folder: Path) -> Path | None:
    path = run_of(folder) / "references.jsonl"
    return path if path.is_file() else None

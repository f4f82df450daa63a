"""proof.json as the record of a release: which files of which model lie in a folder, and what was proven of each."""

import hashlib
import json
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from cadmonkey.files import read_json
from cadmonkey.gguf.folders import base_folder, trained_parts
from cadmonkey.gguf.origin import read_origin, read_training
from cadmonkey.gguf.proof import Drift, Figures, FileProof, TaskScore
from cadmonkey.gguf.questions import MIN_PROMPTS
from cadmonkey.gguf.recommendation import recommend
from cadmonkey.gguf.tensors import TensorFigures

Entry = dict[str, Any]
"""What proof.json says of one file: "file", "quant", "verdict" (proven, unproven, skipped), "size_bytes", "sha256", and
the figures of its proof."""

RECORD = "proof.json"
PAPERS = (RECORD, "README.md", "Modelfile", "grammar.gbnf", "grammar-ir.gbnf")
"""What lies beside the GGUF files of a release, but for SHA256SUMS."""

_NOT_OF_THE_MODEL = (RECORD, "recipe.json", "scores.json", "predictions.json", "answers.json")
"""What may lie beside a model's own files and comes after them."""
_VERDICTS = ("unproven", "skipped", "proven")
"""From the worst to the best."""


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file of any size, as `sha256sum` prints it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def model_sha256(folder: Path, base: Path | None = None) -> str:
    """Return a hash of what a file is made of, by which a record knows its model. `base` as in `base_folder`.

    It covers all bytes of weights, configs and tokenizer, those of an adapter's base included: two bases of one
    architecture differ in nothing else. That reads the base once, much less than an export does with it. Name, licence
    and descent count as they were recorded, for the file holds them; the name of a folder does not.

    Raises:
        InputError: as `trained_parts`.
    """
    parts = trained_parts(folder, base)
    places = dict.fromkeys(filter(None, (parts.weights, parts.adapter, parts.tokenizer)))
    origin = read_origin(folder, base_folder(folder, base))
    descent = asdict(replace(origin, name=str(read_training(folder).get("name", "")), choices={}))
    lines = [line for place in places for line in (*_hashed(place), "\n")] + [json.dumps(descent, sort_keys=True)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _hashed(place: Path) -> list[str]:
    """Return a line for each file of a model, without its folder: a model that was moved is the same one."""
    suffixes = (".safetensors", ".json", ".jinja", ".model")
    files = sorted(path for path in place.iterdir() if path.suffix in suffixes and path.name not in _NOT_OF_THE_MODEL)
    with ThreadPoolExecutor() as pool:  # shards side by side
        return [f"{digest}  {path.name}\n" for path, digest in zip(files, pool.map(sha256_of, files), strict=True)]


def read_record(folder: Path) -> dict[str, Any]:
    """Return proof.json, empty if there is none or none of ours.

    Raises:
        InputError: it is no JSON.
    """
    path = folder / RECORD
    record = read_json(path) if path.is_file() else {}
    entries = record.get("files") if isinstance(record, dict) else None
    return record if isinstance(entries, list) and all(map(_is_entry, entries)) else {}


def _is_entry(value: Any) -> bool:
    return isinstance(value, dict) and {"file", "quant"} <= value.keys() and value.get("verdict") in _VERDICTS


def intact_entries(folder: Path, model: str, replaced: Collection[str] = ()) -> list[Entry]:
    """Return the entries for files of this model (`model_sha256`) that lie in `folder` just as they were recorded.

    Those of the `replaced` quants are left out.
    """
    record = read_record(folder)
    entries = record.get("files", []) if record.get("model_sha256") == model else []
    return [entry for entry in entries if entry["quant"] not in replaced and is_intact(folder, entry)]


def is_intact(folder: Path, entry: Entry) -> bool:
    """Whether the entry's file has the bytes that were proven."""
    path = folder / str(entry.get("file"))
    return path.is_file() and path.stat().st_size == entry.get("size_bytes") and sha256_of(path) == entry.get("sha256")


def intact_adapter(folder: Path, record: Mapping[str, Any]) -> Entry | None:
    """Return the record's "adapter" (file, size_bytes, sha256), None unless it lies in `folder` as it was recorded."""
    entry = record.get("adapter")
    return entry if isinstance(entry, dict) and is_intact(folder, entry) else None


def is_fully_proven(entry: Entry) -> bool:
    """Whether the file is proven, and on as many prompts as a full proof takes."""
    return entry.get("verdict") == "proven" and entry.get("prompts", 0) >= MIN_PROMPTS


def overall_verdict(entries: Iterable[Entry]) -> str:
    """Return the worst verdict among the files."""
    return min((str(entry["verdict"]) for entry in entries), key=_VERDICTS.index)


def best_file(record: Mapping[str, Any]) -> Entry:
    """Return the file to take: what the proof recommends, else q8_0 of those proven on enough, else the smallest."""
    entries: list[Entry] = record["files"]
    recommended = (record.get("recommended") or {}).get("file")
    if named := [entry for entry in entries if entry["file"] == recommended and entry["verdict"] == "proven"]:
        return named[0]
    return min(entries, key=_rank)


def _rank(entry: Entry) -> tuple[int, bool, bool, int]:
    wrong = {"proven": 0, "skipped": 1, "unproven": 2}[entry["verdict"]]
    return wrong, entry.get("prompts", 0) < MIN_PROMPTS, entry["quant"] != "q8_0", entry["size_bytes"]


def join_records(earlier: Mapping[str, Any], entries: Sequence[Entry], drift: Drift | None = None) -> dict[str, Any]:
    """Return the record of these entries; the drift is the one measured on more prompts, of now or of `earlier`.

    A file is recommended only if all were proven on the same prompts.
    """
    drifts = [known for known in (drift and drift.as_dict(), earlier.get("drift")) if known]
    return {
        "verdict": overall_verdict(entries),
        "recommended": _recommended(entries),
        "drift": max(drifts, key=lambda known: known.get("prompts") or 0, default=None),
        "files": list(entries),
    }


def _recommended(entries: Iterable[Entry]) -> dict[str, str] | None:
    measured = [entry for entry in entries if entry["verdict"] != "skipped"]
    grounds = {(entry.get("prompts_sha256"), entry.get("reference_dtype")) for entry in measured}
    proofs = [proof for entry in measured if (proof := read_proof(entry)) is not None]
    if len(grounds) != 1 or None in next(iter(grounds)) or len(proofs) < len(measured):
        return None
    best = recommend(proofs)
    return {"file": best.file.published_name, "reason": best.reason}


def read_proof(entry: Entry) -> FileProof | None:
    """Return what `FileProof.as_dict` made the entry of, None where another version made it of other figures."""
    try:
        score = entry["score"]
        return FileProof(
            file=entry["file"],
            quant=entry["quant"],
            reference=entry["reference_dtype"],
            size_bytes=entry["size_bytes"],
            figures=Figures(**_numbers(entry, Figures)),
            tensor=TensorFigures(**_numbers(entry["worst_tensor"], TensorFigures)),
            token_ids=entry["token_ids_difference"] or "",
            vocabulary=entry["vocabulary_difference"] or "",
            metadata=entry["metadata_difference"] or "",
            score=None if score is None else TaskScore(**score),
        )
    except (KeyError, TypeError):
        return None


def read_drift(record: Mapping[str, Any]) -> Drift | None:
    """Return the drift that a record holds, None if there is none or one of another version."""
    try:
        return Drift(**_numbers(record["drift"], Drift))
    except (KeyError, TypeError):
        return None


def _numbers(entry: Mapping[str, Any], kind: type) -> dict[str, Any]:
    """Return the fields of a dataclass, NaN where JSON has null for what was not finite."""
    values = {field.name: entry[field.name] for field in fields(kind)}
    return {name: math.nan if value is None else value for name, value in values.items()}


def published_names(folder: Path, record: Mapping[str, Any]) -> list[str]:
    """Return the files of `folder` that make up the release, but for SHA256SUMS; unproven files are none of them."""
    entries = [entry for entry in record["files"] if entry["verdict"] != "unproven"]
    adapter = intact_adapter(folder, record)
    models = [entry["file"] for entry in (*entries, *([adapter] if adapter else []))]
    return [*models, *(name for name in PAPERS if (folder / name).is_file())]

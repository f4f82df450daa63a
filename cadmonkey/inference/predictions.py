"""predictions.jsonl: programs for many prompts, in the prompts' order; a killed run goes on where it stopped."""

import hashlib
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO

from cadmonkey.cad.grammar import Language
from cadmonkey.data.chat import asked
from cadmonkey.errors import InputError
from cadmonkey.files import explain_os_error, number_jsonl, read_json, read_jsonl, write_json, write_jsonl
from cadmonkey.inference.generator import Generator
from cadmonkey.inference.llama import Sampling, check_gguf
from cadmonkey.terminal import progress

Row = dict[str, Any]


@dataclass(frozen=True)
class Speed:
    """What a batch took: `tokens` and `seconds` of all its generations, those of an earlier, killed run included."""

    prompts: int
    tokens: int
    seconds: float

    @property
    def tokens_per_s(self) -> float:
        """Generated tokens a second, prompt reading included."""
        return self.tokens / self.seconds if self.seconds else 0.0


def read_prompts(path: Path) -> list[Row]:
    """Read lines {"id", "prompt"}; a line without an id has its number as one, other fields are left alone.

    Raises:
        InputError: the file cannot be read or is empty, a line lacks a prompt, or an id is no text or comes twice.
    """
    rows = [_with_id(row, f"{path}:{number}", number) for number, row in number_jsonl(path, ["prompt"]).items()]
    if not rows:
        raise InputError(f'{path}: expected lines like {{"prompt": "20 mm cube"}}, got none')
    seen: set[str] = set()
    for row in rows:
        if row["id"] in seen:
            remedy = "give each line its own, or leave them out: a line's number is its id then"
            raise InputError(f'{path}: expected every "id" once, got {row["id"]!r} twice; {remedy}')
        seen.add(row["id"])
    return rows


def _with_id(row: Row, where: str, number: int) -> Row:
    name = str(number) if row.get("id") is None else row["id"]
    if not isinstance(name, str) or not name.strip():
        raise InputError(f'{where}: expected a text in "id", or no "id", got {name!r}')
    return {**row, "id": name}


def predict(
    model_path: Path,
    prompts: list[Row],
    out: Path,
    *,
    max_tokens: int = 1024,
    sampling: Sampling | None = None,
    n_ctx: int = 4096,
    n_threads: int | None = None,
    grammar: bool = False,
    language: Language | None = None,
    fresh: bool = False,
) -> Speed:
    """Write `out`/predictions.jsonl (and predictions.json: the settings and the speed).

    What the same model already wrote for the same prompts and settings is kept, finished or not.

    Args:
        model_path: the GGUF.
        prompts: rows with "id" and "prompt", and "context" where more was said before the answer than the prompt.
        out: folder.
        max_tokens: longest answer.
        sampling: temperature, top_p and seed; None: greedy.
        n_ctx: tokens of prompt and answer together.
        n_threads: CPU threads; None: what pays for a model of this size.
        grammar: allow only tokens that lead to a program.
        language: of the programs, None for the model's own; each line says which it is in.
        fresh: start over.

    Raises:
        InputError: the model, a prompt or the folder cannot be used.
        RunError: the disk is full.
    """
    check_gguf(model_path)
    sampling = sampling or Sampling()
    how = {**asdict(sampling), "grammar": grammar, "language": language}
    settings = {"max_tokens": max_tokens, "n_ctx": n_ctx, **how}
    key = _fingerprint(model_path, prompts, settings)
    final, record, part = out / "predictions.jsonl", out / "predictions.json", out / f".predictions-{key}.part.jsonl"
    if not fresh and final.is_file() and record.is_file() and read_json(record).get("fingerprint") == key:
        print(f"{final}: done before with this model and these prompts (--fresh starts over)", file=sys.stderr)
        return _speed(read_jsonl(final))
    _sweep(out, keep=None if fresh else part)
    done = _read_part(part)
    if done:
        print(f"{final}: {len(done)} of {len(prompts)} were written before; going on", file=sys.stderr)
    missing = [row for row in prompts if row["id"] not in done]
    if missing:
        with Generator(model_path, n_ctx=n_ctx, n_threads=n_threads) as generator:
            _check_prompts(generator, missing)
            for row in _generate(generator, missing, part, len(prompts), {"max_tokens": max_tokens, **how}):
                done[row["id"]] = row
    predictions = [done[row["id"]] for row in prompts]
    speed = _speed(predictions)
    write_jsonl(final, predictions)
    write_json(record, _record(model_path, key, settings, speed))
    part.unlink(missing_ok=True)
    return speed


def _check_prompts(generator: Generator, rows: list[Row]) -> None:
    """Find the prompt that cannot be used before any program is written."""
    for row in rows:
        try:
            generator.prompt_tokens(asked(row))
        except InputError as error:
            raise InputError(f"id {row['id']!r}: {error}") from error


def _generate(generator: Generator, rows: list[Row], part: Path, total: int, how: Row) -> Iterator[Row]:
    """Yield a prediction a row; each is on disk before the next one begins."""
    tokens, start = 0, time.perf_counter()
    with _append(part) as file, progress("generate", total, total - len(rows)) as advance:
        for row in rows:
            made = _one(generator, row, how)
            file.write(json.dumps(made, ensure_ascii=False) + "\n")
            file.flush()
            tokens += made["tokens"]
            advance(f"{tokens / (time.perf_counter() - start):,.0f} tokens/s")
            yield made


def _one(generator: Generator, row: Row, how: Row) -> Row:
    made = generator.generate(asked(row), **how)
    return {
        "id": row["id"],
        "prompt": row["prompt"],
        "code": made.code,
        "language": made.language,
        "stop_reason": made.stop_reason,
        "tokens": made.tokens,
        "seconds": round(made.seconds, 6),
    }


def _speed(predictions: list[Row]) -> Speed:
    tokens, seconds = sum(row["tokens"] for row in predictions), sum(row["seconds"] for row in predictions)
    return Speed(len(predictions), tokens, seconds)


def _record(model_path: Path, fingerprint: str, settings: Row, speed: Speed) -> Row:
    return {
        "model": model_path.name,
        "model_bytes": model_path.stat().st_size,
        "fingerprint": fingerprint,
        **settings,
        **asdict(speed),
        "tokens_per_s": round(speed.tokens_per_s, 1),
    }


def _fingerprint(model_path: Path, prompts: list[Row], settings: Row) -> str:
    """Return a hash of everything the predictions depend on; of a large model, its size and both its ends."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    digest.update(json.dumps([[row["id"], asked(row)] for row in prompts]).encode())
    end_bytes = 4 << 20
    with model_path.open("rb") as file:
        digest.update(str(size := model_path.stat().st_size).encode())
        digest.update(file.read(end_bytes))
        file.seek(max(size - end_bytes, 0))
        digest.update(file.read())
    return digest.hexdigest()[:16]


def _sweep(out: Path, keep: Path | None) -> None:
    """Remove what killed runs with another model or other prompts left in the folder."""
    for path in out.glob(".predictions-*.part.jsonl"):
        if path != keep:
            path.unlink()


def _read_part(part: Path) -> dict[str, Row]:
    """Return the finished rows by id, and cut off a last line that the kill tore."""
    if not part.is_file():
        return {}
    data = part.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    if len(whole) < len(data):
        with part.open("r+b") as file:
            file.truncate(len(whole))
    rows = [json.loads(line) for line in whole.decode("utf-8").split("\n") if line]
    return {row["id"]: row for row in rows}


@contextmanager
def _append(path: Path) -> Iterator[TextIO]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            yield file
    except OSError as error:
        raise explain_os_error(error, path) from error

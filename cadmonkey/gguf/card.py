"""The model card: what the model is, where it comes from, what was proven, how to run it."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from cadmonkey.files import read_json, write_text
from cadmonkey.gguf.origin import Origin, is_run, run_of
from cadmonkey.gguf.proof import percent
from cadmonkey.gguf.record import Entry, best_file

_PROMPTS = {
    "openscad": "50 x 30 x 5 mm plate with four 4 mm holes 6 mm from the edges",
    "ir": "50 x 30 x 5 mm plate with four 4 mm holes 6 mm from the edges",
    "": "Name three prime numbers between 20 and 40.",
}
"""What the examples ask, by the model's language of programs."""

_HUB_LICENSE = re.compile(r"[a-z0-9][a-z0-9.+-]*")
"""How the Hub's ids of licences look; anything else is its "other" with a name."""

_COLUMNS: dict[str, tuple[Callable[[Entry], str], str]] = {
    "text": (lambda file: percent(file["template_equal"]), "prompts whose rendered chat template is the same"),
    "tokens": (lambda file: percent(file["tokens_equal"]), "prompts with the same token ids"),
    "answers": (
        lambda file: percent(file["greedy_equal"] + file["near_ties"]),
        "prompts with the same greedy answer, token by token, its end included; it may depart where the model hardly "
        "prefers one token to another",
    ),
    "ends": (lambda file: percent(file["stop_rate"]), "answers that ended on the end token"),
    "top-1": (lambda file: percent(file["top_1"]), "tokens with the trained model's own first choice"),
    "KL": (lambda file: f"{file['mean_kl']:.1e}", "mean divergence from its distribution per token, in nats"),
    "perplexity": (
        lambda file: f"{file['perplexity'] / file['original_perplexity'] - 1:+.2%}",
        "change against its own",
    ),
    "parts": (
        lambda file: f"{file['score']['all_pass']}/{file['score']['rows']} ({file['score']['original_all_pass']})",
        "answers that are the part asked for, and the trained model's own in brackets",
    ),
}
"""Column of the table -> its text for an entry of proof.json, and what it means."""

_SCORES = {
    "all_pass": "everything right (all-pass)",
    "parses": "parses",
    "solid": "is solid",
    "dimensions": "all stated dimensions right",
    "ends_on_end_token": "ended on the end token",
}


def write_card(folder: Path, source: Path, record: Mapping[str, Any], origin: Origin, n_ctx: int) -> None:
    """Write the card as `folder`/README.md with the front matter that the Hugging Face Hub reads.

    It is made of what lies on disk, so writing it again brings it up to date: the `record` that is proof.json, and of
    the run or model folder `source` the data, its hashes, the versions, and the scores if it was evaluated. A
    checkpoint has its run's data, but not its scores.
    """
    best, run = best_file(record), run_of(source)
    sections = [
        _front_matter(origin),
        f"# {origin.name}",
        _descent(run, origin),
        "## Files\n\n" + _files(record, best),
        *([] if best["verdict"] == "unproven" else ["## Run it\n\n" + _commands(str(best["file"]), origin, n_ctx)]),
        *_scores(source),
        *_data(run),
        *_choices(run, origin),
        "## Limits\n\n" + _limits(record),
        "## Licence\n\n" + _licence(origin),
    ]
    write_text(folder / "README.md", "\n\n".join(sections) + "\n")


def _front_matter(origin: Origin) -> str:
    # JSON strings are YAML strings; names may hold colons
    known = bool(_HUB_LICENSE.fullmatch(origin.license))
    entries: dict[str, Any] = {
        "library_name": "gguf",
        "pipeline_tag": "text-generation",
        "language": list(origin.languages),
        "license": origin.license if known else "other" * bool(origin.license),
        "license_name": _slug(origin.license_name if known else origin.license),
        "license_link": origin.license_link,
        "base_model": origin.source or (origin.base_model if origin.base_is_on_hub else ""),
        "base_model_relation": "quantized" if origin.source else "finetune" if origin.base_is_on_hub else "",
        "datasets": list(origin.hub_datasets),
        "tags": ["gguf", "llama.cpp", "cadmonkey", *origin.tags[1:]],
    }
    lines = [f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in entries.items() if value]
    return "\n".join(["---", *lines, "---"])


def _slug(name: str) -> str:
    """Return a licence's name as the Hub's front matter has it."""
    return re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-")


def _descent(source: Path, origin: Origin) -> str:
    if not origin.base_model:
        return f"GGUF files of **{origin.source or origin.name}**, written by CadMonkey."
    data = f" on {', '.join(origin.datasets)}" if origin.datasets else ""
    if not is_run(source):
        return f"An adapter of **{origin.base_model}**, trained{data} and merged into it, as GGUF files by CadMonkey."
    return f"Fine-tuned from **{origin.base_model}**{data} with CadMonkey, and exported to GGUF."


def _files(record: Mapping[str, Any], best: Entry) -> str:
    entries: list[Entry] = record["files"]
    skipped = [f"`{entry['file']}`" for entry in entries if entry["verdict"] == "skipped"]
    parts = [_proof_table(entries)]
    if best["verdict"] == "unproven":
        parts.append("**No file is for use:** each failed its proof.")
    if best["verdict"] == "proven":
        parts.append(f"Take `{best['file']}`: {_why(record, best)}.")
    if any(entry["verdict"] != "skipped" for entry in entries):
        parts.append(_explanation(entries))
    if skipped:
        parts.append(
            f"**Not proven:** {', '.join(skipped)}. The proof was skipped (`--no-proof`): nobody has compared what "
            "these files say with what the trained model says."
        )
    parts += _adapter(record)
    parts.append("`sha256sum -c SHA256SUMS` checks that the files arrived whole.")
    return "\n\n".join(parts)


def _adapter(record: Mapping[str, Any]) -> list[str]:
    """Return what the LoRA's own file is for, if there is one."""
    entry = record.get("adapter")
    if not entry:
        return []
    return [
        f"`{entry['file']}` ({entry['size_bytes'] / 1e6:,.1f} MB) is the LoRA alone, for a GGUF file of the base model "
        f"of any kind: `llama-cli -m base.gguf --lora {entry['file']}`. **Not proven:** the proof covers the merged "
        "files, not this one."
    ]


def _why(record: Mapping[str, Any], best: Entry) -> str:
    recommended = record.get("recommended") or {}
    if recommended.get("file") == best["file"]:
        return str(recommended["reason"])
    if len([entry for entry in record["files"] if entry["verdict"] == "proven"]) == 1:
        return "it is the one that is proven"
    return "proven at half the size of f16" if best["quant"] == "q8_0" else "the smallest that is proven"


def _proof_table(entries: Sequence[Entry]) -> str:
    columns = ["prompts"] * (len(_prompts(entries)) > 1) + _columns(entries)
    rows = [["file", "MB", *columns, "verdict"]]
    for entry in entries:
        verdict = "proven" if entry["verdict"] == "proven" else "**not proven**"
        shown = [_cell(entry, column) or "–" for column in columns]
        rows.append([str(entry["file"]), f"{entry['size_bytes'] / 1e6:,.1f}", *shown, verdict])
    return _table(rows)


def _prompts(entries: Sequence[Entry]) -> set[tuple[int, int]]:
    """Return on how many prompts, and how many held-out ones of them, the files were proven."""
    measured = [entry for entry in entries if entry["verdict"] != "skipped"]
    counts = [(int(entry.get("prompts", 0)), entry) for entry in measured]
    return {(prompts, int(entry.get("held_out_prompts", prompts))) for prompts, entry in counts}


def _columns(entries: Sequence[Entry]) -> list[str]:
    """Return the columns that at least one file has a figure for."""
    return [column for column in _COLUMNS if any(_cell(entry, column) for entry in entries)]


def _cell(entry: Entry, column: str) -> str:
    """Return the figure as text, "" where the file has none: it was not proven, or the figure is not finite."""
    if column == "prompts":
        return str(entry.get("prompts", ""))
    try:
        return _COLUMNS[column][0](entry)
    except (KeyError, TypeError, ZeroDivisionError):
        return ""


def _table(rows: Sequence[Sequence[str]]) -> str:
    lines = [rows[0], ["---"] * len(rows[0]), *rows[1:]]
    return "\n".join(f"| {' | '.join(row)} |" for row in lines)


def _explanation(entries: Sequence[Entry]) -> str:
    measured = [entry for entry in entries if entry["verdict"] != "skipped"]
    counts = _prompts(measured)
    kinds = _prompt_words(*counts.pop()) if len(counts) == 1 else "as many prompts as the table says"
    meanings = "\n".join(f"- **{column}**: {_COLUMNS[column][1]}" for column in _columns(measured))
    return (
        f"Each file was run in llama.cpp on {kinds} and compared with the trained model in transformers:\n\n"
        f"{meanings}\n\nEvery tensor was compared with what llama.cpp's quantizer makes of the trained one, vocabulary "
        "and metadata with the trained model's. All figures, and what each kind of file must reach, are in "
        "`proof.json`; a file that fails is named `.unproven.gguf`."
    )


def _prompt_words(prompts: int, held_out: int) -> str:
    if held_out < prompts:
        return f"{prompts} prompts, {held_out or 'none'} of them held out from the training,"
    return f"{prompts} held-out prompts"


def _commands(name: str, origin: Origin, n_ctx: int) -> str:
    prompt = json.dumps(_PROMPTS[origin.language], ensure_ascii=False)
    return f"""llama.cpp

```sh
llama-cli -m {name} --jinja --temp 0 -st -p {prompt}
```

llama-cpp-python

```python
from llama_cpp import Llama

llm = Llama("{name}", n_ctx={n_ctx}, verbose=False)
messages = [{{"role": "user", "content": {prompt}}}]
answer = llm.create_chat_completion(messages, temperature=0, repeat_penalty=1)
print(answer["choices"][0]["message"]["content"])
```

Ollama

```sh
ollama create my-model -f Modelfile
ollama run my-model {prompt}
```

LM Studio

```sh
lms import {name}
```

The chat template is in the file. Set the temperature to 0 and turn the repeat penalty off.

{_grammar(origin)}"""


def _grammar(origin: Origin) -> str:
    if not origin.language:
        return (
            "If the model writes CAD programs, `llama-cli --grammar-file grammar.gbnf` keeps it to OpenSCAD and "
            "`grammar-ir.gbnf` to Compact IR."
        )
    language = {"openscad": "OpenSCAD", "ir": "Compact IR"}[origin.language]
    return (
        f"`llama-cli --grammar-file grammar.gbnf` allows only {language}; Ollama and LM Studio take no grammar. "
        "`cadmonkey generate` holds its own, which also sees that names are declared and nodes used."
    )


def _scores(source: Path) -> list[str]:
    """Return the section of scores, if the run was evaluated: of judged parts, or of compared answers."""
    model = _object(source / "predictions.json").get("model")
    measured = f", answered by `{model}`" if model else ""
    total = _object(source / "scores.json").get("total")
    if isinstance(total, dict):
        rows = [[words, _share(total, name)] for name, words in _SCORES.items() if name in total]
        words = f"Of {total['count']} unseen parts{measured}, judged as solids in millimetres:"
        families = _object(source / "scores.json").get("families", {})
        by_family = [[name, str(part["count"]), percent(part["all_pass"])] for name, part in families.items()]
        table = _table([["score", "share (95 % interval)"], *rows])
        return [f"## Scores\n\n{words}\n\n{table}\n\n" + _table([["family", "parts", "all-pass"], *by_family])]
    answers = _object(source / "answers.json")
    if "exact_match" not in answers:
        return []
    words = f"Of {answers['count']} held-out prompts{measured}:"
    rows = [["word for word as expected", _share(answers, "exact_match")]]
    rows += [["ended on the end token", _share(answers, "end_token")]] if "end_token" in answers else []
    return [f"## Scores\n\n{words}\n\n" + _table([["score", "share (95 % interval)"], *rows])]


def _share(scores: Mapping[str, Any], name: str) -> str:
    """Return a share in per cent, with its interval where there is one."""
    interval = scores.get("interval", {}).get(name)
    spread = f" ({percent(interval[0])}–{percent(interval[1])})" if interval else ""
    return f"{percent(scores[name])}{spread}"


def _data(source: Path) -> list[str]:
    """Return the section on the data: what it was made of, and the hash and the rows of each file."""
    hashes = _object(source / "recipe.json").get("data_sha256", {})
    rows = [[f"`{name}`", _rows_of(source, name), f"`{digest}`"] for name, digest in hashes.items()]
    if not rows:
        return []
    parts = [_sources(source), _table([["file", "rows", "SHA-256"], *rows])]
    return ["## Data\n\n" + "\n\n".join(filter(None, parts))]


def _sources(source: Path) -> str:
    """Return a line for each source that the rows were mixed from."""
    taken = _object(source / "data" / "sources.json", list) or []
    lines = [
        f"- {_short(entry)}: {entry['train']:,} rows to train on, {entry['held_out']:,} held out" for entry in taken
    ]
    parts = _object(source / "recipe.json").get("own_parts", 0)
    made = f"- CadMonkey's synthetic parts, each checked by the judge: up to {parts:,} rows to train on"
    return "\n".join([*lines, *([made] if parts else [])])


def _short(entry: Mapping[str, Any]) -> str:
    name = str(entry["source"])
    return Path(name).name if Path(name).exists() or Path(name).is_absolute() else name


def _rows_of(source: Path, name: str) -> str:
    """Count the lines of a data file of the run, if it still lies there."""
    for path in (source / "data" / name, source / name):
        if path.is_file():
            with path.open("rb") as file:
                return f"{sum(1 for line in file if line.strip()):,}"
    return "–"


def _choices(source: Path, origin: Origin) -> list[str]:
    """Return the section on how it was trained, if that was recorded."""
    if not origin.choices:
        return []
    rows = [[key, str(value)] for key, value in origin.choices.items() if value]
    versions = _object(source / "recipe.json").get("versions", {})
    made_with = ", ".join(f"{name} {version}" for name, version in versions.items())
    closing = "\n\nWhat is not listed was off or 0." if is_run(source) else "\n\nNothing else was recorded."
    closing += f" Trained with {made_with}." if made_with else ""
    return ["## Training\n\n" + _table([["setting", "value"], *rows]) + closing]


def _object(path: Path, kind: type = dict) -> Any:
    """Return a JSON file of this kind, or an empty one where there is none."""
    value = read_json(path) if path.is_file() else kind()
    return value if isinstance(value, kind) else kind()


def _limits(record: Mapping[str, Any]) -> str:
    entries: list[Entry] = record["files"]
    lines = [
        "The files say what the trained model says, and that can be wrong: check an answer before you rely on it, and "
        "a part before you make it.",
        "Ask at temperature 0, without repeat penalty, with the chat template; the proof holds for that.",
        *_drift(record),
        *_notes(record),
    ]
    if failed := [f"`{entry['file']}`" for entry in entries if entry["verdict"] == "unproven"]:
        lines.append(f"Failed the proof, not for use: {', '.join(failed)}.")
    rates = [entry["stop_rate"] for entry in entries if entry.get("stop_rate") is not None]
    if any(rate < 1 for rate in rates):
        lines.append("Not every answer ended by itself; set a limit of tokens.")
    return "\n".join(f"- {line}" for line in lines)


def _notes(record: Mapping[str, Any]) -> list[str]:
    """Return what limits the proofs, with the files that it limits unless these are all."""
    entries: list[Entry] = record["files"]
    notes = dict.fromkeys(note for entry in entries for note in entry.get("notes", ()))
    lines = []
    for note in notes:
        files = [f"`{entry['file']}`" for entry in entries if note in entry.get("notes", ())]
        lines.append(note if len(files) == len(entries) else f"{', '.join(files)}: {note}")
    return lines


def _drift(record: Mapping[str, Any]) -> list[str]:
    """Say how far a model trained on a quantised base moved when it was merged into the 16-bit one."""
    drift = record.get("drift")
    if not drift:
        return []
    words = f"Trained on the base in {drift['bits']} bits and merged into 16 bits"
    if drift.get("mean_kl") is None:
        return [f"{words}; how far that moved it was not measured ({drift.get('not_measured') or 'unknown'})."]
    return [
        f"{words}, which moved it by {drift['mean_kl']:.1e} nats per token on average; "
        f"{percent(drift['greedy_equal'])} of the greedy answers stayed the same."
    ]


def _licence(origin: Origin) -> str:
    if not origin.license:
        return f"Not recorded; the terms of {origin.base_model or origin.source or 'the original model'} hold."
    name = origin.license_name or origin.license
    return f"[{name}]({origin.license_link})" if origin.license_link else f"{name}."

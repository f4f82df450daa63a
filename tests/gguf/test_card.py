"""The card tells a stranger what the model is, what was proven, and how to run it, and the Hub can read its head."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cadmonkey.gguf import export
from cadmonkey.gguf.card import write_card
from cadmonkey.gguf.origin import Origin
from cadmonkey.gguf.record import best_file

PROVEN = {
    **{"file": "model-q8_0.gguf", "quant": "q8_0", "verdict": "proven", "size_bytes": 3_700_000, "prompts": 300},
    **{"template_equal": 1.0, "tokens_equal": 1.0, "greedy_equal": 0.9899, "near_ties": 0.01, "stop_rate": 1.0},
    **{"mean_kl": 1e-4},
}
SMALLER = PROVEN | {"file": "model-q4_k_m.gguf", "quant": "q4_k_m", "size_bytes": 2_000_000, "stop_rate": 0.99}


def _card(folder: Path, *files: dict[str, Any], origin: Origin | None = None, **record: Any) -> str:
    write_card(folder, folder, {"files": list(files), **record}, origin or Origin(name="plates"), 1024)
    return (folder / "README.md").read_text()


def _head(folder: Path) -> dict[str, Any]:
    from huggingface_hub import ModelCard

    return dict(ModelCard.load(folder / "README.md").data.to_dict())


def test_the_hub_reads_base_data_licence_and_language_off_the_head(tmp_path: Path) -> None:
    origin = Origin(
        name='a: "name"', base_model="owner/base", license="llama3.2", datasets=("owner/parts", "mine.jsonl"),
        languages=("en",), language="openscad",
    )  # fmt: skip
    _card(tmp_path, PROVEN, origin=origin)
    assert _head(tmp_path) == {
        "library_name": "gguf",
        "pipeline_tag": "text-generation",
        "language": ["en"],
        "license": "llama3.2",
        "base_model": "owner/base",
        "base_model_relation": "finetune",
        "datasets": ["owner/parts"],
        "tags": ["gguf", "llama.cpp", "cadmonkey", "cad", "openscad"],
    }


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        (Origin(name="m", license="Our Own 1.0"), {"license": "other", "license_name": "our-own-1.0"}),
        (
            Origin(name="m", license="other", license_name="tiny", license_link="https://example.org/l"),
            {"license": "other", "license_name": "tiny", "license_link": "https://example.org/l"},
        ),
        (Origin(name="m", base_model="base"), {}),
        (Origin(name="m", source="owner/m"), {"base_model": "owner/m", "base_model_relation": "quantized"}),
    ],
    ids=["a licence that the Hub does not know", "a licence with an address", "a local base", "a model of the Hub"],
)
def test_the_head_names_only_what_the_hub_can_know(origin: Origin, expected: dict[str, str], tmp_path: Path) -> None:
    _card(tmp_path, PROVEN, origin=origin)
    head = _head(tmp_path)
    assert {key: head[key] for key in head if key.startswith(("license", "base"))} == expected


def test_the_python_of_the_card_answers_as_the_model_was_taught(
    run_folder: Path, adapter_rows: list[dict[str, str]], tmp_path: Path
) -> None:
    export(run_folder, ("q8_0",), tmp_path)
    found = re.search(r"```python\n(.*?)```", (tmp_path / "README.md").read_text(), flags=re.DOTALL)
    assert found is not None
    asked = re.sub(r'"content": ".*?"', f'"content": {json.dumps(adapter_rows[0]["prompt"])}', found[1])
    done = subprocess.run(
        [sys.executable, "-c", asked], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout == adapter_rows[0]["completion"] + "\n"


def test_the_data_is_told_by_source_rows_and_hash(run_folder: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(run_folder, run)
    recipe = json.loads((run / "recipe.json").read_text())
    recipe |= {"own_parts": 3000, "data_sha256": {"train.jsonl": "ab12", "references.jsonl": "cd34"}}
    recipe |= {"versions": {"python": "3.11.9", "torch": "2.13.0"}}
    (run / "recipe.json").write_text(json.dumps(recipe))
    (run / "data").mkdir()
    (run / "data" / "train.jsonl").write_text('{"prompt": "the secret prompt"}\n' * 1234)
    taken = {"source": "/elsewhere/mine.jsonl", "train": 900, "held_out": 34}
    (run / "data" / "sources.json").write_text(json.dumps([taken]))
    export(run, ("q8_0",))
    card = (run / "README.md").read_text()
    for line in (
        "- mine.jsonl: 900 rows to train on, 34 held out",
        "- CadMonkey's synthetic parts, each checked by the judge: up to 3,000 rows to train on",
        "| `train.jsonl` | 1,234 | `ab12` |",
        "| `references.jsonl` | 2 | `cd34` |",
        "Trained with python 3.11.9, torch 2.13.0.",
        "| lora_rank | 8 |",
    ):
        assert line in card
    assert "secret" not in card
    assert "/elsewhere" not in card
    assert "data_sha256" not in card


def test_the_table_shows_what_was_measured_and_nothing_else(tmp_path: Path) -> None:
    score = {"rows": 300, "all_pass": 290, "original_all_pass": 291, "gained": 0, "lost": 1}
    full = PROVEN | {"top_1": 0.99996, "perplexity": 1.2, "original_perplexity": 1.25, "score": score}
    card = _card(tmp_path, full, SMALLER | {"mean_kl": None})
    assert "| file | MB | text | tokens | answers | ends | top-1 | KL | perplexity | parts | verdict |" in card
    shares = "100.0% | 100.0% | 99.9% | 100.0% | 99.9%"
    assert f"| model-q8_0.gguf | 3.7 | {shares} | 1.0e-04 | -4.00% | 290/300 (291) | proven |" in card
    assert "| model-q4_k_m.gguf | 2.0 | 100.0% | 100.0% | 99.9% | 99.0% | – | – | – | – | proven |" in card
    assert "perplexity" not in _card(tmp_path, PROVEN)


def test_the_card_names_the_file_to_take(tmp_path: Path) -> None:
    assert "Take `model-q8_0.gguf`: proven at half the size of f16." in _card(tmp_path, SMALLER, PROVEN)
    recommended = {"file": "model-q4_k_m.gguf", "reason": "as many parts right"}
    card = _card(tmp_path, SMALLER, PROVEN, recommended=recommended)
    assert "Take `model-q4_k_m.gguf`: as many parts right." in card
    assert "llama-cli -m model-q4_k_m.gguf" in card


def test_a_recommended_file_that_is_not_proven_any_more_is_not_taken() -> None:
    stale = SMALLER | {"verdict": "skipped"}
    assert best_file({"files": [stale, PROVEN], "recommended": {"file": stale["file"], "reason": ""}}) == PROVEN


def test_the_limits_name_failures_endless_answers_and_the_drift_of_the_merge(tmp_path: Path) -> None:
    failed = PROVEN | {"file": "model-f16.unproven.gguf", "quant": "f16", "verdict": "unproven", "stop_rate": 0.0}
    drift = {"bits": 4, "prompts": 64, "mean_kl": 0.0012, "greedy_equal": 0.98}
    card = _card(tmp_path, failed | {"notes": ["Only 2 prompts."]}, drift=drift)
    limits = card.partition("## Limits")[2]
    assert "Failed the proof, not for use: `model-f16.unproven.gguf`." in limits
    assert "Not every answer ended by itself" in limits
    assert "merged into 16 bits, which moved it by 1.2e-03 nats per token on average; 98.0%" in limits
    assert "- Only 2 prompts." in limits
    assert "Take `" not in card


def test_compared_answers_are_scores_too(tmp_path: Path) -> None:
    (tmp_path / "answers.json").write_text(
        json.dumps({"count": 50, "exact_match": 0.5, "interval": {"exact_match": [0.36, 0.64]}, "end_token": 1.0})
    )
    card = _card(tmp_path, PROVEN)
    assert "Of 50 held-out prompts:" in card
    assert "| word for word as expected | 50.0% (36.0%–64.0%) |" in card


@pytest.mark.parametrize(
    ("held_out", "words"),
    [
        (300, "on 300 held-out prompts and compared"),
        (10, "on 300 prompts, 10 of them held out from the training, and compared"),
        (0, "on 300 prompts, none of them held out from the training, and compared"),
    ],
)
def test_the_card_says_how_many_prompts_were_held_out(held_out: int, words: str, tmp_path: Path) -> None:
    assert words in _card(tmp_path, PROVEN | {"held_out_prompts": held_out})


def test_a_model_without_a_base_is_called_by_its_name(tmp_path: Path) -> None:
    assert "GGUF files of **plates**, written by CadMonkey." in _card(tmp_path, PROVEN)

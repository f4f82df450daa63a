"""The demonstration of the repair: it runs, it goes on, and the documents say what it measured."""

from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("trl")

from benchmarks import end_token
from benchmarks.end_token import (
    VARIANTS,
    Benchmark,
    Variant,
    between_marks,
    kept,
    run_variant,
    short_table,
    whole_table,
)
from cadmonkey.errors import InputError
from cadmonkey.files import read_json

ROOT = Path(__file__).resolve().parents[2]
REPAIR = next(variant for variant in VARIANTS if variant.name == "repair")


def test_the_documents_hold_the_recorded_figures() -> None:
    record = read_json(Benchmark().result)
    assert record["choices"]["prompts"] == 200
    measured = [figures["name"] for figures in record["variants"]]
    assert measured == [variant.name for variant in VARIANTS if variant.name in measured]
    assert {"lora", "repair"} <= set(measured)
    assert between_marks(ROOT / "docs" / "end-token.md") == whole_table(record)
    assert between_marks(ROOT / "README.md") == short_table(record)


@pytest.fixture
def choices(tiny_llama: Path, tmp_path: Path) -> Benchmark:
    return Benchmark(base_model=str(tiny_llama), rows=16, prompts=4, max_new_tokens=8, out=tmp_path)


def test_a_variant_is_trained_asked_and_kept(choices: Benchmark) -> None:
    assert kept(choices, REPAIR) is None
    run_variant(choices, REPAIR)
    figures = kept(choices, REPAIR)
    assert figures is not None
    assert figures["steps"] == 1
    assert 0 <= figures["p_end"] <= 1
    assert figures["answers"].keys() == {"0", "0.7"}
    assert figures["answers"]["0"]["answers"] == 4
    assert kept(replace(choices, seed=1), REPAIR) is None


@pytest.mark.parametrize(("variant", "rows"), [(VARIANTS[0], 0), (REPAIR, 1), (VARIANTS[4], 0)])
def test_a_variant_trains_the_rows_that_it_says(choices: Benchmark, variant: Variant, rows: int) -> None:
    from cadmonkey.training.engines import load_tokenizer

    recipe = end_token.recipe_of(choices, variant)
    model = end_token.adapted(recipe, variant, load_tokenizer(recipe.base_model))
    trained = [name for name, weight in model.named_parameters() if weight.requires_grad]
    assert sum("trainable_tokens" in name for name in trained) == rows
    assert any("lora_B" in name for name in trained)


def test_a_document_without_marks_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("no table")
    with pytest.raises(InputError, match="expected the marks"):
        between_marks(tmp_path / "README.md")

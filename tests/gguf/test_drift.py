"""What merging a 4- or 8-bit run into the 16-bit base changes is measured, against bitsandbytes itself."""

import json
import shutil
from pathlib import Path

import pytest

from cadmonkey.gguf.drift import measure_drift, trained_bits
from cadmonkey.gguf.merge import load_merged
from cadmonkey.gguf.original import Original
from cadmonkey.gguf.questions import read_questions


def as_trained_in(bits: int, run_folder: Path, tmp_path: Path) -> tuple[Path, Original]:
    run = Path(shutil.copytree(run_folder, tmp_path / "run"))
    recipe = json.loads((run / "recipe.json").read_text())
    (run / "recipe.json").write_text(json.dumps(recipe | {f"load_in_{bits}bit": True}))
    return run, Original(*load_merged(run), read_questions(run / "references.jsonl", 16))


@pytest.mark.parametrize("bits", [4, 8])
def test_the_drift_is_small_and_not_zero_for_a_run_in_few_bits(bits: int, run_folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("bitsandbytes")
    run, original = as_trained_in(bits, run_folder, tmp_path)
    drift = measure_drift(run, original)
    assert drift is not None
    assert (drift.bits, drift.prompts, drift.not_measured) == (bits, 16, "")
    assert 0 < drift.mean_kl <= drift.max_kl < 5
    assert 0.5 < drift.top_1 <= 1
    assert drift.perplexity != drift.trained_perplexity


def test_a_bare_adapter_of_a_4_bit_base_drifts_as_its_run_does_and_no_library_speaks(
    run_folder: Path, model_folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("bitsandbytes")
    run, original = as_trained_in(4, run_folder, tmp_path)
    path = run / "adapter" / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"base_model_name_or_path": "me/tiny-bnb-4bit"}))
    capfd.readouterr()
    drift = measure_drift(run / "adapter", original, model_folder)
    assert capfd.readouterr() == ("", "")
    assert drift == measure_drift(run, original)


def test_the_drift_grows_where_the_adapter_was_not_merged(run_folder: Path, model_folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("bitsandbytes")
    run, merged = as_trained_in(4, run_folder, tmp_path)
    unmerged = Original(*load_merged(model_folder), read_questions(run / "references.jsonl", 16))
    right, wrong = measure_drift(run, merged), measure_drift(run, unmerged)
    assert right is not None
    assert wrong is not None
    assert wrong.mean_kl > 2 * right.mean_kl


def test_a_run_in_16_bits_has_no_drift(run_folder: Path) -> None:
    assert trained_bits(run_folder) == 16
    assert measure_drift(run_folder, Original(*load_merged(run_folder), read_questions(None, 1))) is None


def test_a_base_that_cannot_be_loaded_in_4_bits_is_said_and_no_error(run_folder: Path, tmp_path: Path) -> None:
    run, original = as_trained_in(4, run_folder, tmp_path)
    drift = measure_drift(run, original, tmp_path / "gone")
    assert drift is not None
    assert drift.not_measured
    assert drift.as_dict()["mean_kl"] is None

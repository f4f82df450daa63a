"""An export leaves proven files with their papers, or files whose name says that they are not."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cadmonkey.errors import InputError, RunError
from cadmonkey.gguf import UnprovenError, export, release
from cadmonkey.gguf.trained import open_model


@pytest.fixture
def random_file(new_llama: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the exporter open a model other than the one it loads to prove."""
    new_llama().save_pretrained(tmp_path / "other")
    opened = release.open_trained
    monkeypatch.setattr(release, "open_trained", lambda folder: (open_model(tmp_path / "other"), opened(folder)[1]))


def test_a_run_becomes_two_proven_files_with_proof_modelfile_and_card(run_folder: Path, tmp_path: Path) -> None:
    proof = export(run_folder, ("f16", "q8_0"), tmp_path)
    proof.require()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "Modelfile",
        "README.md",
        "grammar-ir.gbnf",
        "grammar.gbnf",
        "model-f16.gguf",
        "model-q8_0.gguf",
        "proof.json",
    ]
    recorded = json.loads((tmp_path / "proof.json").read_text())
    assert recorded["verdict"] == "proven"
    f16 = recorded["files"][0]
    assert (f16["file"], f16["prompts"], f16["greedy_equal"], f16["stop_rate"]) == ("model-f16.gguf", 64, 1.0, 1.0)
    assert f16["size_bytes"] == (tmp_path / "model-f16.gguf").stat().st_size


def test_only_the_files_asked_for_are_left(run_folder: Path, tmp_path: Path) -> None:
    export(run_folder, ("Q4_K_M",), tmp_path)
    assert [path.name for path in tmp_path.glob("*.gguf")] == ["model-q4_k_m.gguf"]


def test_files_of_a_run_lie_in_its_folder_and_those_of_a_model_beside_its_own(
    run_folder: Path, model_folder: Path, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(run_folder, tmp_path / "run"))
    model = Path(shutil.copytree(model_folder, tmp_path / "model"))
    (model / "README.md").write_text("---\nlicense: mit\n---\nthe model's own card\n")
    export(run, ("f16",))
    export(model, ("f16",))
    assert (run / "model-f16.gguf").is_file()
    assert (model / "gguf" / "model-f16.gguf").is_file()
    assert (model / "README.md").read_text().endswith("the model's own card\n")
    assert 'license: "mit"' in (model / "gguf" / "README.md").read_text()


def test_a_file_that_is_not_the_model_is_renamed_and_replaces_the_proven_one(
    run_folder: Path, tmp_path: Path, random_file: None
) -> None:
    (tmp_path / "model-f16.gguf").write_bytes(b"an earlier export, proven")
    proof = export(run_folder, ("f16",), tmp_path)
    assert [path.name for path in tmp_path.glob("*.gguf")] == ["model-f16.unproven.gguf"]
    assert json.loads((tmp_path / "proof.json").read_text())["verdict"] == "unproven"
    with pytest.raises(UnprovenError, match=r"model-f16\.unproven\.gguf: the same greedy answer for 0\.0%") as caught:
        proof.require()
    assert caught.value.exit_status == 3


def test_an_export_that_was_killed_is_cleared_away_by_the_next(run_folder: Path, tmp_path: Path) -> None:
    (tmp_path / ".gguf-part").mkdir()
    (tmp_path / ".gguf-part" / "model-f16.gguf").write_bytes(b"half")
    export(run_folder, ("f16",), tmp_path)
    assert not (tmp_path / ".gguf-part").exists()


def test_a_failure_while_proving_leaves_nothing(
    run_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise RunError("no")

    monkeypatch.setattr(release, "prove_against", fail)
    with pytest.raises(RunError):
        export(run_folder, ("f16",), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_modelfile_gives_ollama_the_template_without_the_bos(run_folder: Path, tmp_path: Path) -> None:
    export(run_folder, ("f16", "q8_0"), tmp_path)
    assert (tmp_path / "Modelfile").read_text() == (
        "FROM ./model-q8_0.gguf\n"
        'TEMPLATE """<|start_header_id|>user<|end_header_id|>\n\n{{ .Prompt }}<|eot_id|>'
        '<|start_header_id|>assistant<|end_header_id|>\n\n"""\n'
        'PARAMETER stop "<|eot_id|>"\n'
        "PARAMETER temperature 0\n"
    )


def test_the_grammar_beside_the_files_is_that_of_the_runs_language_and_the_gguf_names_it(
    run_folder: Path, tmp_path: Path
) -> None:
    from gguf import GGUFReader

    from cadmonkey.cad.grammar import gbnf

    run = Path(shutil.copytree(run_folder, tmp_path / "run"))
    recipe = json.loads((run / "recipe.json").read_text())
    for changes, language in (({"language": "ir"}, "ir"), ({"own_parts": 100}, "openscad")):
        (run / "recipe.json").write_text(json.dumps(recipe | changes))
        out = tmp_path / language
        export(run, ("f16",), out)
        assert (out / "grammar.gbnf").read_text() == gbnf(language)  # type: ignore[arg-type]
        assert not (out / "grammar-ir.gbnf").exists()
        assert GGUFReader(out / "model-f16.gguf").get_field("cadmonkey.language").contents() == language
        assert "--grammar-file grammar.gbnf" in (out / "README.md").read_text()


def test_the_card_names_descent_settings_proof_and_licence_but_no_local_path(run_folder: Path, tmp_path: Path) -> None:
    export(run_folder, ("q8_0",), tmp_path)
    card = (tmp_path / "README.md").read_text()
    for part in ('license: "apache-2.0"', "**tiny**", "owner/parts", "| lora_rank | 8 |", "| model-q8_0.gguf |"):
        assert part in card
    assert str(run_folder.parent) not in card
    assert "llama-cli -m model-q8_0.gguf" in card


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"quants": ("q9",)}, "--quants: expected some of f16 q8_0 .*, got q9"),
        ({"quants": ()}, "--quants: expected at least one"),
        ({"prompts": Path("missing.jsonl")}, r"missing\.jsonl"),
    ],
    ids=["unknown quant", "no quant", "missing prompts"],
)
def test_bad_input_is_refused_before_anything_is_written(
    arguments: dict[str, Any], message: str, run_folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=message):
        export(run_folder, **({"out": tmp_path / "out"} | arguments))
    assert not (tmp_path / "out").exists()

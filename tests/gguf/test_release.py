"""An export leaves proven files with their papers, or files whose name says that they are not."""

import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cadmonkey.errors import InputError, RunError
from cadmonkey.files import read_jsonl
from cadmonkey.gguf import UnprovenError, export, export_without_proof, release
from cadmonkey.gguf.hub import names_to_push
from cadmonkey.gguf.record import best_file
from cadmonkey.gguf.release import export_run, is_proven, update_card
from cadmonkey.gguf.trained import open_model

torch = pytest.importorskip("torch", reason="export needs the train extra")


@pytest.fixture
def random_file(new_llama: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the exporter open a model other than the one it loads to prove."""
    new_llama().save_pretrained(tmp_path / "other")
    opened = release.open_trained
    monkeypatch.setattr(
        release, "open_trained", lambda folder, base: (open_model(tmp_path / "other"), opened(folder, base)[1])
    )


def test_a_run_becomes_two_proven_files_with_proof_modelfile_and_card(run_folder: Path, tmp_path: Path) -> None:
    proof = export(run_folder, ("f16", "q8_0"), tmp_path)
    proof.require()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "Modelfile",
        "README.md",
        "SHA256SUMS",
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


def test_the_importance_matrix_and_the_proof_share_one_loaded_model(
    run_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import AutoModelForCausalLM

    loaded: list[Path] = []
    load = AutoModelForCausalLM.from_pretrained
    monkeypatch.setattr(
        AutoModelForCausalLM, "from_pretrained", lambda path, **options: loaded.append(path) or load(path, **options)
    )
    texts = run_folder / "references.jsonl"
    export(run_folder, ("q4_k_m",), tmp_path, texts, limit=1, imatrix=(texts,))
    assert len(loaded) == 1


def test_a_runs_checkpoint_is_exported_beside_it_with_the_runs_record_and_held_out_prompts(
    run_folder: Path, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(run_folder, tmp_path / "parts"))
    checkpoint = Path(shutil.copytree(run / "adapter", run / "checkpoint-150"))
    (run / "scores.json").write_text('{"total": {"all_pass": 0.5}}')
    held = {path.name for path in checkpoint.iterdir()}
    proof = export(checkpoint, ("f16",))
    assert {path.name for path in checkpoint.iterdir()} == held
    out = run / "gguf-checkpoint-150"
    assert (out / "model-f16.gguf").is_file()
    assert proof.files[0].figures.held_out_prompts == len(read_jsonl(run / "references.jsonl"))
    card = (out / "README.md").read_text()
    assert "# parts-checkpoint-150\n" in card
    assert "Fine-tuned from **tiny**" in card
    assert ("owner/parts" in card, "apache-2.0" in card, "all-pass)" in card) == (True, True, False)


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


def test_a_file_that_is_not_the_model_is_renamed_and_replaces_the_proven_one(released: Path, random_file: None) -> None:
    proof = export(released, ("f16", "q8_0"), limit=10)
    assert sorted(path.name for path in released.glob("*.gguf")) == [
        *("model-f16.unproven.gguf", "model-q8_0.unproven.gguf")
    ]
    assert _record(released)["verdict"] == "unproven"
    assert not (released / "Modelfile").exists()
    card = (released / "README.md").read_text()
    assert "**No file is for use:** each failed its proof." in card
    assert "lms import" not in card
    with pytest.raises(UnprovenError, match=r"model-f16\.unproven\.gguf: the same greedy answer for 0\.0%") as caught:
        proof.require()
    assert caught.value.exit_status == 3


def test_an_export_that_was_killed_is_cleared_away_by_the_next(run_folder: Path, tmp_path: Path) -> None:
    (tmp_path / ".gguf-part").mkdir()
    (tmp_path / ".gguf-part" / "model-f16.gguf").write_bytes(b"half")
    export(run_folder, ("f16",), tmp_path)
    assert not (tmp_path / ".gguf-part").exists()


def test_an_export_that_was_ended_while_proving_goes_on_with_the_file_that_is_left(
    run: Path, exported: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prove, asked = release.prove_against, []

    def end_at_the_second(path: Path, quant: str, *others: Any) -> Any:
        asked.append(quant)
        if asked == ["f16", "q8_0"]:
            raise KeyboardInterrupt
        return prove(path, quant, *others)

    monkeypatch.setattr(release, "prove_against", end_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        export(run, ("f16", "q8_0"))
    assert [path.name for path in run.glob("*.gguf")] == ["model-f16.gguf"]
    assert names_to_push(run)[:2] == ["model-f16.gguf", "proof.json"]
    written = (run / "model-f16.gguf").stat().st_mtime_ns
    proof = export(run, ("f16", "q8_0"))
    assert asked == ["f16", "q8_0", "q8_0"]
    assert (run / "model-f16.gguf").stat().st_mtime_ns == written
    assert [file.quant for file in proof.files] == ["f16", "q8_0"]
    for key in ("file", "sha256", "prompts_sha256", "verdict"):
        assert [entry[key] for entry in _record(run)["files"]] == [entry[key] for entry in _record(exported)["files"]]
    assert _record(run)["recommended"]["file"] == _record(exported)["recommended"]["file"]


def test_what_is_proven_on_the_very_same_prompts_is_not_proven_again(
    released: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[Path] = []
    load = release.load_merged
    monkeypatch.setattr(release, "load_merged", lambda folder, base: loaded.append(folder) or load(folder, base))
    before, steps = _record(released), []
    assert [file.quant for file in export(released, ("q8_0", "f16"), on_step=steps.append).files] == ["q8_0", "f16"]
    assert (loaded, _record(released)) == ([], before)
    assert steps == [f"model-{quant}.gguf is proven already ({released / 'proof.json'})" for quant in ("f16", "q8_0")]
    (released / "model-f16.gguf").write_bytes(b"changed")
    export(released, ("q8_0", "f16"))
    assert (loaded, _record(released)["files"][::-1]) == ([released], before["files"])
    export(released, ("q8_0",), limit=10)
    export(released, ("q8_0",), imatrix=[released / "references.jsonl"], limit=10)
    assert loaded == [released] * 2


def test_a_file_with_another_licence_than_the_runs_is_unproven(
    run_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gguf import GGUFWriter

    monkeypatch.setattr(GGUFWriter, "add_license", lambda writer, name: writer.add_string("general.license", "mit"))
    (file,) = export(run_folder, ("f16",), tmp_path).files
    assert file.reasons == ("other metadata: general.license is mit, expected apache-2.0",)


def test_a_file_with_another_licence_or_name_than_was_recorded_since_is_written_anew(released: Path) -> None:
    before = {entry["quant"]: entry["sha256"] for entry in _record(released)["files"]}
    recipe = json.loads((released / "recipe.json").read_text())
    for change in ({"license": "mit"}, {"license": "mit", "name": "another"}):
        (released / "recipe.json").write_text(json.dumps(recipe | change))
        assert not is_proven(released, released, ("q8_0",))
        export(released, ("q8_0",))
        (after,) = _record(released)["files"]
        assert after["sha256"] != before["q8_0"]
        before["q8_0"] = after["sha256"]
    (released / "recipe.json").write_text(json.dumps(recipe | change | {"seed": 7}))
    assert is_proven(released, released, ("q8_0",))


def test_a_kind_that_no_matrix_changes_is_not_proven_again_for_one(run: Path) -> None:
    texts, steps = run / "references.jsonl", []
    export(run, ("q8_0", "q4_k_m"), imatrix=[texts])
    export(run, ("q8_0", "q4_k_m"), on_step=steps.append)
    assert steps[:2] == [f"model-q8_0.gguf is proven already ({run / 'proof.json'})", "writing q4_k_m"]


def test_a_failure_while_proving_leaves_nothing(
    run_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise RunError("no")

    monkeypatch.setattr(release, "prove_against", fail)
    with pytest.raises(RunError):
        export(run_folder, ("f16",), tmp_path)
    assert list(tmp_path.iterdir()) == []


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


@pytest.fixture
def run(run_folder: Path, tmp_path: Path) -> Path:
    """A run of its own, to export into."""
    return Path(shutil.copytree(run_folder, tmp_path / "run"))


def _record(folder: Path) -> Any:
    return json.loads((folder / "proof.json").read_text())


def _verdicts(folder: Path) -> dict[str, str]:
    return {entry["file"]: entry["verdict"] for entry in _record(folder)["files"]}


def _checked(folder: Path) -> list[str]:
    """What sha256sum says of the release, one line a file."""
    if shutil.which("sha256sum") is None:
        pytest.skip("sha256sum is not here")
    command = ["sha256sum", "-c", "SHA256SUMS"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout.splitlines()


def test_sha256sum_finds_every_file_of_the_release_whole_and_sees_a_changed_one(released: Path) -> None:
    assert _checked(released) == [
        f"{name}: OK"
        for name in (
            *("Modelfile", "README.md", "grammar-ir.gbnf", "grammar.gbnf"),
            *("model-f16.gguf", "model-q8_0.gguf", "proof.json"),
        )
    ]
    (released / "Modelfile").write_text("FROM elsewhere\n")
    assert _checked(released)[0] == "Modelfile: FAILED"


def test_a_second_export_keeps_the_files_of_the_first_in_record_card_and_sums(released: Path) -> None:
    first = hashlib.sha256((released / "model-f16.gguf").read_bytes()).hexdigest()
    export(released, ("q4_k_m", "q8_0"))
    assert _verdicts(released) == dict.fromkeys(("model-f16.gguf", "model-q4_k_m.gguf", "model-q8_0.gguf"), "proven")
    assert _record(released)["verdict"] == "proven"
    assert next(e for e in _record(released)["files"] if e["quant"] == "f16")["sha256"] == first
    card = (released / "README.md").read_text()
    assert all(f"| {name} |" in card for name in _verdicts(released))
    assert f"{first}  model-f16.gguf" in (released / "SHA256SUMS").read_text().splitlines()
    assert (released / "Modelfile").read_text().startswith(f"FROM ./{best_file(_record(released))['file']}\n")


def test_files_of_another_model_are_left_alone_but_not_listed(run: Path, model_folder: Path, tmp_path: Path) -> None:
    said: list[str] = []
    export(model_folder, ("f16",), tmp_path / "out")
    export(run, ("q8_0",), tmp_path / "out", on_step=said.append)
    assert _verdicts(tmp_path / "out") == {"model-q8_0.gguf": "proven"}
    assert (tmp_path / "out" / "model-f16.gguf").is_file()
    assert "model-f16.gguf" not in (tmp_path / "out" / "SHA256SUMS").read_text()
    assert [line for line in said if "model-f16.gguf is of another model" in line]


def test_an_unproven_file_is_in_record_and_card_but_not_among_the_published(
    run_folder: Path, tmp_path: Path, random_file: None
) -> None:
    export(run_folder, ("f16",), tmp_path / "out")
    card = (tmp_path / "out" / "README.md").read_text()
    assert "| model-f16.unproven.gguf |" in card
    assert "| **not proven** |" in card
    assert "Failed the proof, not for use: `model-f16.unproven.gguf`" in card
    assert "unproven" not in (tmp_path / "out" / "SHA256SUMS").read_text()


def test_without_a_proof_record_and_card_say_so_and_a_recipe_proves_later(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export_without_proof(run, ("f16", "q8_0")) == (run / "model-f16.gguf", run / "model-q8_0.gguf")
    assert _record(run)["verdict"] == "skipped"
    assert _verdicts(run) == {"model-f16.gguf": "skipped", "model-q8_0.gguf": "skipped"}
    assert "not proven" in _record(run)["files"][0]["reasons"][0]
    card = (run / "README.md").read_text()
    assert "**Not proven:** `model-f16.gguf`, `model-q8_0.gguf`" in card
    assert "was run in llama.cpp" not in card
    assert all(line.endswith(": OK") for line in _checked(run))
    export_run(run, ("f16", "q8_0"))
    assert "done already" not in capsys.readouterr().out
    assert set(_verdicts(run).values()) == {"proven"}


def test_a_file_without_proof_beside_proven_ones_makes_the_release_not_proven(released: Path) -> None:
    export_without_proof(released, ("q4_k_m",))
    proven = dict.fromkeys(("model-f16.gguf", "model-q8_0.gguf"), "proven")
    assert _verdicts(released) == proven | {"model-q4_k_m.gguf": "skipped"}
    assert _record(released)["verdict"] == "skipped"
    assert (released / "Modelfile").read_text().startswith("FROM ./model-q8_0.gguf\n")


def test_an_export_without_proof_leaves_proven_files_alone_and_says_so(released: Path) -> None:
    written, said = (released / "model-q8_0.gguf").stat().st_mtime_ns, []
    matrix = (released / "references.jsonl",)
    files = export_without_proof(released, ("q8_0", "q4_k_m"), imatrix=matrix, on_step=said.append)
    assert files == (released / "model-q4_k_m.gguf",)
    assert (released / "model-q8_0.gguf").stat().st_mtime_ns == written
    assert _verdicts(released)["model-q8_0.gguf"] == "proven"
    assert said[0] == f"model-q8_0.gguf is proven already ({released / 'proof.json'}) and stays as it is"
    assert export_without_proof(released, ("q8_0",)) == ()


def test_a_proven_file_that_another_matrix_changes_is_written_anew_and_that_is_said(run: Path) -> None:
    export(run, ("q4_k_m",), limit=1)
    said: list[str] = []
    export_without_proof(run, ("q4_k_m",), imatrix=(run / "references.jsonl",), on_step=said.append)
    assert _verdicts(run) == {"model-q4_k_m.gguf": "skipped"}
    assert said[0] == (
        "model-q4_k_m.gguf was proven; it is written anew with another importance matrix, and not proven"
    )


def test_a_recipe_leaves_a_proven_run_alone_but_not_one_whose_file_changed(
    released: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    proven = (released / "model-f16.gguf").read_bytes()
    capsys.readouterr()
    export_run(released, ("f16",))
    assert capsys.readouterr().out == f"gguf: done already ({released / 'proof.json'})\n"
    (released / "model-f16.gguf").write_bytes(proven[:-1] + bytes([proven[-1] ^ 1]))
    export_run(released, ("f16",))
    assert "done already" not in capsys.readouterr().out
    assert (released / "model-f16.gguf").read_bytes() == proven


def test_a_run_trained_anew_is_exported_anew(released: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = released / "adapter" / "adapter_config.json"
    config.write_text(config.read_text().replace('"lora_alpha": 16', '"lora_alpha": 17'))
    capsys.readouterr()
    export_run(released, ("f16",))
    assert "done already" not in capsys.readouterr().out


def test_scores_that_come_after_the_export_reach_the_card_and_the_sums(released: Path) -> None:
    assert "## Scores" not in (released / "README.md").read_text()
    line = {"count": 300, "all_pass": 0.96666, "parses": 1.0, "interval": {"all_pass": [0.947, 0.987]}}
    scores = {"total": line, "families": {"plate": line | {"count": 30, "all_pass": 0.9}}, "kinds": {}}
    (released / "scores.json").write_text(json.dumps(scores))
    (released / "predictions.json").write_text(json.dumps({"model": "model-q8_0.gguf"}))
    update_card(released)
    card = (released / "README.md").read_text()
    assert "Of 300 unseen parts, answered by `model-q8_0.gguf`, judged as solids in millimetres:" in card
    assert "| everything right (all-pass) | 96.6% (94.7%–98.7%) |" in card
    assert "| plate | 30 | 90.0% |" in card
    assert all(line.endswith(": OK") for line in _checked(released))


def test_an_export_killed_before_its_last_file_is_not_done_already(
    released: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (released / "SHA256SUMS").unlink()
    (released / "Modelfile").unlink()
    export_run(released, ("f16",))
    assert "done already" not in capsys.readouterr().out
    assert (released / "Modelfile").is_file()


def test_the_modelfile_has_the_system_message_that_all_conversations_begin_with(run: Path) -> None:
    system, user = {"role": "system", "content": "Write OpenSCAD."}, {"role": "user", "content": "a ball"}
    rows = [{"prompt": "a ball", "context": [system, user]}, {"prompt": "a ball", "context": [system, user]}]
    for last, expected in (([system, user], 1), ([user], 0)):
        rows[-1]["context"] = last
        (run / "references.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        export_without_proof(run, ("q8_0",))
        assert (run / "Modelfile").read_text().count('SYSTEM """Write OpenSCAD."""\n') == expected


def test_a_card_cannot_be_brought_up_to_date_before_there_is_an_export(run: Path) -> None:
    with pytest.raises(InputError, match=r"proof\.json: expected the record of an export of this run"):
        update_card(run)


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


def test_files_of_another_base_are_files_of_another_model(
    run_folder: Path, model_folder: Path, new_llama: Callable[..., Any], tmp_path: Path
) -> None:
    adapter, out = Path(shutil.copytree(run_folder / "adapter", tmp_path / "lora")), tmp_path / "out"
    other = Path(shutil.copytree(model_folder, tmp_path / "other"))
    torch.manual_seed(3)
    model = new_llama()
    model.model.layers[0].mlp.up_proj.weight.data.add_(0.01)
    model.save_pretrained(other)
    export_without_proof(adapter, ("f16",), out)
    export_without_proof(adapter, ("q8_0",), out, base=other)
    assert list(_verdicts(out)) == ["model-q8_0.gguf"]
    export_without_proof(adapter, ("q4_k_m",), out, base=Path(shutil.copytree(other, tmp_path / "moved")))
    assert list(_verdicts(out)) == ["model-q8_0.gguf", "model-q4_k_m.gguf"]


def test_record_and_card_tell_of_each_file_on_how_many_prompts_it_was_proven(released: Path) -> None:
    export(released, ("q8_0",), limit=2)
    record, card = _record(released), (released / "README.md").read_text()
    assert {entry["quant"]: entry["prompts"] for entry in record["files"]} == {"f16": 64, "q8_0": 2}
    assert record["recommended"] is None, "files proven on unlike prompts cannot be compared"
    assert "| file | MB | prompts | text |" in card
    assert "on as many prompts as the table says" in card
    assert "- `model-q8_0.gguf`: Proven on 2 prompts only; a full proof takes 64 or more." in card
    assert "Take `model-f16.gguf`" in card


def test_the_file_to_take_is_chosen_among_those_of_all_exports_on_the_same_prompts(run: Path, exported: Path) -> None:
    export(run, ("q8_0",))
    export(run, ("f16",))
    assert _record(run)["recommended"] == _record(exported)["recommended"]
    assert _record(run)["recommended"]["file"] == "model-q8_0.gguf"


def test_what_limits_the_proof_of_one_file_is_not_said_of_another(model_folder: Path, tmp_path: Path) -> None:
    export(model_folder, ("f16", "q4_k_m"), tmp_path)
    said = {
        e["quant"]: any("need not give the same" in note for note in e["notes"]) for e in _record(tmp_path)["files"]
    }
    assert said == {"f16": False, "q4_k_m": True}


def test_a_release_proven_on_few_prompts_is_neither_done_already_nor_pushed(run: Path) -> None:
    export(run, ("q8_0",), limit=2)
    assert not is_proven(run, run, ("q8_0",))
    with pytest.raises(UnprovenError, match="expected a file proven on 64 prompts or more to push, got 2"):
        names_to_push(run)


def test_a_second_export_into_the_same_folder_at_the_same_time_is_refused(run_folder: Path, tmp_path: Path) -> None:
    refused: list[str] = []

    def start_another(step: str) -> None:
        with pytest.raises(InputError, match="another export runs there") as caught:
            export_without_proof(run_folder, ("f16",), tmp_path / "out")
        refused.append(str(caught.value))

    export_without_proof(run_folder, ("q8_0",), tmp_path / "out", on_step=start_another)
    assert len(refused) == 1
    assert _verdicts(tmp_path / "out") == {"model-q8_0.gguf": "skipped"}


def test_a_folder_made_for_nothing_is_removed(run: Path, tmp_path: Path) -> None:
    (run / "adapter" / "tokenizer.json").write_text("{}")
    with pytest.raises(InputError):
        export_without_proof(run, ("q8_0",), tmp_path / "new" / "out")
    assert not (tmp_path / "new").exists()


def test_a_broken_chat_template_and_a_missing_end_token_are_named_with_their_file(run: Path) -> None:
    config = run / "adapter" / "tokenizer_config.json"
    (run / "adapter" / "chat_template.jinja").write_text("{% if %}")
    with pytest.raises(InputError, match=r"adapter/chat_template\.jinja: chat template: cannot render"):
        export_without_proof(run, ("q8_0",))
    config.write_text(json.dumps(json.loads(config.read_text()) | {"eos_token": None}))
    with pytest.raises(InputError, match=r"adapter/tokenizer_config\.json: expected an eos_token"):
        export_without_proof(run, ("q8_0",))
    assert not list(run.glob("*.gguf"))


def test_broken_calibration_texts_are_named_before_the_model_is_loaded(run: Path) -> None:
    said: list[str] = []
    (run / "texts.jsonl").write_text('{"prompt": "a cube"}\n{')
    with pytest.raises(InputError, match=r"texts\.jsonl:2: expected one JSON object a line"):
        export_without_proof(run, ("q4_k_m",), imatrix=(run / "texts.jsonl",), on_step=said.append)
    assert said == []


def test_an_old_file_is_replaced_in_one_step_so_that_a_kill_loses_neither(
    released: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = Path.replace

    def die(path: Path, target: Path) -> Path:
        if path.parent != target.parent:
            raise OSError("killed here")
        return replace(path, target)

    before = (released / "model-q8_0.gguf").read_bytes()
    monkeypatch.setattr(Path, "replace", die)
    with pytest.raises(InputError, match="killed here"):
        export(released, ("q8_0",), limit=1)
    assert (released / "model-q8_0.gguf").read_bytes() == before

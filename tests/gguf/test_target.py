"""An export overwrites nothing of others, and whatever moment it ends at, the same call goes on."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cadmonkey.errors import InputError, RunError
from cadmonkey.gguf import export_without_proof
from cadmonkey.gguf.target import claimed, staging
from tests.gguf.test_adapter import make_adapter

PAPERS = ["README.md", "Modelfile", "SHA256SUMS", "grammar.gbnf", "grammar-ir.gbnf"]


@pytest.fixture
def lora(model_folder: Path, tmp_path: Path) -> Path:
    """An adapter that llama.cpp can hold as a file of its own."""
    return make_adapter(model_folder, tmp_path / "lora")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _hashes(folder: Path) -> dict[str, str]:
    return {path.name: _sha256(path) for path in folder.iterdir() if not path.name.startswith(".")}


def _states(monkeypatch: pytest.MonkeyPatch, folder: Path, copies: Path, work: Callable[[], object]) -> list[Path]:
    """Return copies of `folder` as it was before and after each file in it got its name."""
    replace, states = Path.replace, []

    def copy() -> None:
        states.append(Path(shutil.copytree(folder, copies / str(len(states)))))

    def watched(path: Path, target: Path) -> Path:
        copy()
        return replace(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", watched)
        work()
        copy()
    return states


@pytest.mark.parametrize("is_polite", [True, False], ids=["ended or full disk", "killed"])
def test_at_whatever_moment_an_export_ends_the_record_knows_its_files_and_the_same_call_goes_on(
    is_polite: bool, lora: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(out: Path) -> object:
        return export_without_proof(lora, ("f16", "q4_k_m"), out, adapter=True)

    states = _states(monkeypatch, tmp_path / "out", tmp_path / "states", lambda: work(tmp_path / "out"))
    assert len(states) > 20
    for state in states:
        for path in state.glob(".*") if is_polite else ():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        record = json.loads((state / "proof.json").read_text()) if (state / "proof.json").exists() else {"files": []}
        known = {entry["file"]: entry["sha256"] for entry in (*record["files"], record.get("adapter")) if entry}
        named = {path.name: _sha256(path) for path in state.glob("*.gguf")}
        assert named.items() <= known.items(), state
        work(state)
        assert _hashes(state) == _hashes(tmp_path / "out")


@pytest.mark.parametrize("name", ["model-q8_0.gguf", *PAPERS, "adapter.gguf"])
def test_a_file_that_is_not_ours_is_not_overwritten(name: str, lora: Path, tmp_path: Path) -> None:
    out, said = tmp_path / "out", []
    (out / ".gguf-part").mkdir(parents=True)  # of an export that was killed before any file had its name
    (out / name).write_text("mine")
    with pytest.raises(InputError, match=f"{name}: expected no such file, got one of no export of ours; .* --out"):
        export_without_proof(lora, ("q8_0",), out, adapter=True, on_step=said.append)
    assert said == []
    assert {path.name: path.read_text() for path in out.iterdir() if path.is_file()} == {name: "mine"}


@pytest.mark.parametrize("text", ["{", "[]", '{"proof": "mine"}', '{"files": [1]}'])
def test_a_record_that_is_not_ours_is_refused_before_any_work(text: str, run_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "proof.json").write_text(text)
    said: list[str] = []
    with pytest.raises(InputError, match=r"proof\.json: expected .* --out"):
        export_without_proof(run_folder, ("q8_0",), tmp_path, on_step=said.append)
    assert (said, [path.name for path in tmp_path.iterdir()]) == ([], ["proof.json"])


@pytest.mark.parametrize("name", ["model-f16.gguf", "model-f16.unproven.gguf", *PAPERS, "proof.json", "adapter.gguf"])
def test_a_folder_of_a_files_name_is_refused_before_any_work(name: str, lora: Path, tmp_path: Path) -> None:
    for earlier in ((), ("q8_0",)):
        out, said = tmp_path / f"out{len(earlier)}", []
        if earlier:
            export_without_proof(lora, earlier, out)
        (out / name).unlink(missing_ok=True)
        (out / name).mkdir(parents=True)
        before = _listing(out)
        with pytest.raises(InputError, match=f"{name}: expected a file or nothing, got a folder; .* --out"):
            export_without_proof(lora, ("f16",), out, adapter=True, on_step=said.append)
        assert (said, _listing(out)) == ([], before)


def test_the_adapters_own_file_stays_in_record_card_and_sums_for_as_long_as_it_lies_there(
    lora: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"

    def lists() -> set[bool]:
        papers = ("proof.json", "README.md", "SHA256SUMS")
        return {"adapter.gguf" in (out / name).read_text() for name in papers}

    export_without_proof(lora, ("q8_0",), out, adapter=True)
    export_without_proof(lora, ("f16",), out)
    assert lists() == {True}
    assert f"{_sha256(out / 'adapter.gguf')}  adapter.gguf" in (out / "SHA256SUMS").read_text().splitlines()
    (out / "adapter.gguf").unlink()
    export_without_proof(lora, ("f16",), out)
    assert lists() == {False}


def test_an_adapters_file_that_no_export_of_ours_wrote_is_named_and_not_listed(lora: Path, tmp_path: Path) -> None:
    said: list[str] = []
    (tmp_path / "adapter.gguf").write_text("mine")
    export_without_proof(lora, ("q8_0",), tmp_path, on_step=said.append)
    assert said[-1].startswith(f"warning: {tmp_path / 'adapter.gguf'} is of another model or export")
    assert "adapter.gguf" not in (tmp_path / "README.md").read_text() + (tmp_path / "SHA256SUMS").read_text()


def _listing(folder: Path) -> list[tuple[str, int]]:
    return sorted((path.name, path.stat().st_mtime_ns) for path in folder.iterdir())


def test_an_error_names_the_file_as_it_will_be_called(tmp_path: Path) -> None:
    for hidden in ("model-f16.gguf", ".sample-x7/model-f16.gguf"):
        with pytest.raises(RunError) as caught, staging(tmp_path) as stage:
            raise RunError(f"{stage / hidden}: no space")
        assert str(caught.value) == f"{tmp_path / 'model-f16.gguf'}: no space"


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="no /proc here")
def test_a_place_that_takes_no_folder_is_named_as_such() -> None:
    for take in (lambda: claimed(Path("/proc/x/y"), ("f16",)), lambda: staging(Path("/proc"))):
        held: Any = take()
        with pytest.raises(InputError, match=r"^/proc.*: cannot be written, for no folder can be made in /proc"):
            held.__enter__()

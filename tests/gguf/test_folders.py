"""Where the parts of a trained model are found: in a run, in the folder of an adapter, in a model folder."""

import json
import shutil
from pathlib import Path

import pytest

from cadmonkey.errors import InputError
from cadmonkey.gguf.drift import trained_bits
from cadmonkey.gguf.folders import trained_parts
from cadmonkey.gguf.imatrix import measure_importance, read_calibration
from cadmonkey.gguf.merge import load_merged
from cadmonkey.gguf.origin import read_origin
from cadmonkey.gguf.trained import open_trained


@pytest.fixture
def adapter(run_folder: Path, tmp_path: Path) -> Path:
    """The adapter of a run, alone, as a checkpoint has it."""
    return Path(shutil.copytree(run_folder / "adapter", tmp_path / "parts" / "checkpoint-150"))


def _change(adapter: Path, **changes: object) -> None:
    path = adapter / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_the_tokenizer_is_the_adapters_own_or_else_its_bases(adapter: Path, model_folder: Path) -> None:
    assert trained_parts(adapter).tokenizer == adapter
    (adapter / "tokenizer.json").unlink()
    parts = trained_parts(adapter)
    assert (parts.weights, parts.adapter, parts.tokenizer) == (model_folder, adapter, model_folder)


@pytest.mark.parametrize("base", ["../../base", "base"], ids=["from the adapter", "from here"])
def test_a_relative_base_is_found_from_the_adapter_and_from_here(
    base: str, adapter: Path, model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(model_folder, tmp_path / "base")
    _change(adapter, base_model_name_or_path=base)
    if base == "base":
        monkeypatch.chdir(tmp_path)
    assert trained_parts(adapter).weights.resolve() == tmp_path / "base"


def test_a_given_base_stands_for_one_that_has_moved(adapter: Path, run_folder: Path, model_folder: Path) -> None:
    _change(adapter, base_model_name_or_path="/content/model")
    with pytest.raises(InputError, match=r"_path /content/model: .* got a folder that is not there; .* --base$"):
        trained_parts(adapter)
    assert trained_parts(adapter, model_folder).weights == model_folder
    tensors = open_trained(adapter, model_folder)[0].tensors
    wanted = open_trained(run_folder)[0].tensors
    name = "model.layers.0.mlp.up_proj.weight"
    assert (tensors[name].rows(0, 9) == wanted[name].rows(0, 9)).all()


def test_a_matrix_is_measured_on_the_merged_model_of_a_bare_adapter(adapter: Path, run_folder: Path) -> None:
    texts = read_calibration(run_folder, [run_folder / "references.jsonl"])
    config = open_trained(adapter)[0].config
    ours, wanted = (measure_importance(*load_merged(f), config, texts).imatrix for f in (adapter, run_folder))
    assert ours.keys() == wanted.keys()
    assert all((ours[name] == wanted[name]).all() for name in wanted)
    with pytest.raises(InputError, match="--imatrix: expected "):
        read_calibration(adapter, [])


def test_the_origin_is_what_adapter_and_card_say_and_the_base_adds_its_licence(
    adapter: Path, model_folder: Path, tmp_path: Path
) -> None:
    base = Path(shutil.copytree(model_folder, tmp_path / "base"))
    (base / "README.md").write_text("---\nlicense: mit\n---\n")
    origin = read_origin(adapter, base)
    assert (origin.name, origin.base_model, origin.license) == ("parts-checkpoint-150", "tiny", "mit")
    assert origin.choices["lora_rank"] == 8
    (adapter / "README.md").write_text("---\nlicense: apache-2.0\ndatasets:\n- me/parts\n---\n")
    _change(adapter, base_model_name_or_path="owner/model-bnb-4bit")
    origin = read_origin(adapter, base)
    assert (origin.base_model, origin.license, origin.datasets) == ("owner/model", "apache-2.0", ("me/parts",))
    assert trained_bits(adapter) == 4


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("adapter_model.safetensors", "expected adapter_model.safetensors beside adapter_config.json, got none"),
        ("adapter_config.json", r"expected recipe.json \(a run\), adapter_config.json \(an adapter\) or config.json"),
    ],
)
def test_half_an_adapter_is_named(name: str, message: str, adapter: Path) -> None:
    (adapter / name).unlink()
    with pytest.raises(InputError, match=message):
        trained_parts(adapter)


def test_an_adapter_that_names_no_base_is_named(adapter: Path) -> None:
    _change(adapter, base_model_name_or_path=None)
    with pytest.raises(InputError, match='expected "base_model_name_or_path"'):
        trained_parts(adapter)


@pytest.mark.parametrize(
    ("name", "got"), [("nowhere", "nothing of that name"), ("parts", "a folder without it"), ("file", "a file")]
)
def test_a_given_base_that_is_no_model_is_named(name: str, got: str, adapter: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(
        InputError, match=f"--base {tmp_path / name}: expected the folder of a whole model, .* got {got}$"
    ):
        trained_parts(adapter, tmp_path / name)

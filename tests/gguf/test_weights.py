"""Weights are read from safetensors by rows, and a file that is not whole is named."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cadmonkey.errors import InputError
from cadmonkey.gguf.weights import find_weights, read_header

torch = pytest.importorskip("torch", reason="export needs the train extra")


@pytest.fixture
def tensors() -> dict[str, Any]:
    torch.manual_seed(0)
    return {
        "single": torch.randn(5, 3),
        "half": torch.randn(7, 2).to(torch.float16),
        "brain": torch.randn(6, 4).to(torch.bfloat16),
        "vector": torch.randn(9),
    }


@pytest.fixture
def folder(tensors: dict[str, Any], tmp_path: Path) -> Path:
    """Two shards with an index."""
    from safetensors.torch import save_file

    places = {"single": "a.safetensors", "half": "b.safetensors", "brain": "a.safetensors", "vector": "b.safetensors"}
    for name in set(places.values()):
        save_file({key: tensors[key] for key in places if places[key] == name}, tmp_path / name)
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))
    return tmp_path


def test_every_dtype_of_every_shard_is_read_exactly_and_by_rows(folder: Path, tensors: dict[str, Any]) -> None:
    found = find_weights(folder)
    assert list(found) == list(tensors)
    for name, tensor in tensors.items():
        assert np.array_equal(found[name].rows(), tensor.float().numpy()), name
        assert np.array_equal(found[name].rows(2, 5), tensor[2:5].float().numpy()), name


def test_infinities_and_tiny_numbers_of_bfloat16_survive(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    numbers = torch.tensor([float("inf"), -float("inf"), 1e-40, -0.0, 3e38]).to(torch.bfloat16)
    save_file({"x": numbers}, tmp_path / "x.safetensors")
    assert np.array_equal(read_header(tmp_path / "x.safetensors")["x"].rows(), numbers.float().numpy())


def _index(text: str) -> Callable[[Path], object]:
    return lambda folder: (folder / "model.safetensors.index.json").write_text(text)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda f: os.truncate(f / "a.safetensors", (f / "a.safetensors").stat().st_size - 1), "cut short"),
        (lambda f: os.truncate(f / "a.safetensors", 4), r"a\.safetensors: expected a safetensors file"),
        (lambda f: (f / "b.safetensors").write_bytes(b"\xff" * 100), r"b\.safetensors: expected a safetensors file"),
        (lambda f: (f / "b.safetensors").unlink(), r"b\.safetensors: cannot be read \(No such file"),
        (lambda f: shutil.copy(f / "a.safetensors", f / "b.safetensors"), r"expected half in b\.safetensors"),
        (_index("{"), "expected a JSON file"),
        (_index("{}"), 'expected "weight_map"'),
        (lambda f: (f / "model.safetensors.index.json").unlink(), "got neither"),
    ],
)
def test_a_damaged_model_is_named_in_one_line(damage: Callable[[Path], Any], message: str, folder: Path) -> None:
    damage(folder)
    with pytest.raises(InputError, match=message) as caught:
        find_weights(folder)
    assert "\n" not in str(caught.value)


WRONG_ENTRIES = [
    {"data_offsets": [-12, 12]},
    {"shape": [-1, -6], "data_offsets": [0, 24]},
    {"shape": [float("inf")]},
    {"shape": 3},
    {"dtype": ["F32"]},
    {"data_offsets": ["0", 24]},
]


@pytest.mark.parametrize("wrong", WRONG_ENTRIES, ids=json.dumps)
def test_a_header_that_no_file_has_is_a_broken_one(wrong: dict[str, Any], tmp_path: Path) -> None:
    entry = {"dtype": "F32", "shape": [6], "data_offsets": [0, 24]} | wrong
    header = json.dumps({"x": entry}).encode()
    (tmp_path / "x.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(24))
    with pytest.raises(InputError, match=r"x\.safetensors: expected a safetensors file"):
        read_header(tmp_path / "x.safetensors")


def test_a_dtype_of_quantised_models_is_refused(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file({"x": torch.ones(4, dtype=torch.int8)}, tmp_path / "x.safetensors")
    with pytest.raises(InputError, match="x: expected one of F32, F16, BF16, got I8"):
        read_header(tmp_path / "x.safetensors")


def test_a_shard_that_shrinks_while_it_is_read_is_named(folder: Path) -> None:
    stored = find_weights(folder)["brain"]
    os.truncate(folder / "a.safetensors", stored.offset + 3)
    with pytest.raises(InputError, match=r"a\.safetensors: brain ends early"):
        stored.rows()

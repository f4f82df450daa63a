"""Small kinds must be llama.cpp's own, bit for bit, and an importance matrix must bring them nearer to the model."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cadmonkey.errors import InputError
from cadmonkey.gguf.encoding import STREAMED
from cadmonkey.gguf.imatrix import Importance
from cadmonkey.gguf.origin import Origin
from cadmonkey.gguf.quantise import NEED_IMPORTANCE, QUANTS, quantise
from cadmonkey.gguf.trained import open_trained
from cadmonkey.gguf.write import write_gguf

PACKED = tuple(quant for quant in QUANTS if quant not in STREAMED)
ORIGIN = Origin(name="tiny")


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory, new_llama: Callable[..., Any], tokenizer: Any) -> Path:
    """A model folder whose matrices fill blocks of 256, but for one that falls back to blocks of 32, and its f16."""
    folder = tmp_path_factory.mktemp("wide")
    model = new_llama(hidden_size=256, intermediate_size=288, num_hidden_layers=2, initializer_range=0.1)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    write_gguf(*open_trained(folder), {"f16": folder / "model-f16.gguf"}, ORIGIN)
    return Path(folder)


@pytest.fixture(scope="module")
def importance(wide: Path) -> Importance:
    """Columns that count very differently, in every matrix of the layers."""
    random = np.random.default_rng(0)
    matrices = {name: data for name, (_, data) in _read(wide / "model-f16.gguf")[1].items() if name.startswith("blk.")}
    imatrix = {name: random.exponential(1, data.shape[1]) ** 3 for name, data in matrices.items() if data.ndim == 2}
    return Importance({name: row.astype(np.float32) for name, row in imatrix.items()}, "texts.jsonl", 3, 99)


def _read(path: Path) -> tuple[dict[str, Any], dict[str, tuple[str, Any]]]:
    from gguf import GGUFReader

    reader = GGUFReader(path)
    fields = {key: field.contents() for key, field in reader.fields.items() if not key.startswith("GGUF.")}
    return fields, {t.name: (t.tensor_type.name, np.array(t.data)) for t in reader.tensors}


def _assert_equal(ours: Path, theirs: Path, kinds: str) -> None:
    (fields, tensors), (wanted_fields, wanted) = _read(ours), _read(theirs)
    assert {key: value for key, value in fields.items() if not key.startswith("quantize.")} == wanted_fields, kinds
    assert tensors.keys() == wanted.keys()
    for name, (kind, data) in tensors.items():
        assert kind == wanted[name][0], f"{kinds}: {name}"
        assert np.array_equal(data, wanted[name][1]), f"{kinds}: {name}"


def test_every_kind_is_bit_for_bit_what_llama_cpp_makes_of_the_f16_file(wide: Path, tmp_path: Path) -> None:
    kinds = [kind for kind in PACKED if kind not in NEED_IMPORTANCE]
    write_gguf(*open_trained(wide), {kind: tmp_path / f"{kind}.gguf" for kind in kinds}, ORIGIN)
    for kind in kinds:
        quantise(wide / "model-f16.gguf", tmp_path / "theirs.gguf", kind)
        _assert_equal(tmp_path / f"{kind}.gguf", tmp_path / "theirs.gguf", kind)
    assert sorted(path.stem for path in tmp_path.iterdir()) == sorted([*kinds, "theirs"])


SLOW_TO_START = ("iq1_s", "iq1_m", "iq2_m", "iq2_s", "iq2_xs")
"""llama.cpp computes tables for these, which takes it seconds each time."""


@pytest.mark.parametrize(
    "kinds",
    [
        ("q4_0", "q4_k_m", "iq4_xs", "q2_k_s", "iq3_xs", "iq3_xxs", "iq2_xxs"),
        pytest.param(SLOW_TO_START, marks=pytest.mark.slow),
    ],
    ids=["larger", "smallest"],
)
def test_with_an_importance_matrix_they_are_llama_cpps_too(
    kinds: tuple[str, ...], wide: Path, importance: Importance, tmp_path: Path
) -> None:
    write_gguf(*open_trained(wide), {kind: tmp_path / f"{kind}.gguf" for kind in kinds}, ORIGIN, importance)
    for kind in kinds:
        quantise(wide / "model-f16.gguf", tmp_path / "theirs.gguf", kind, importance.imatrix)
        _assert_equal(tmp_path / f"{kind}.gguf", tmp_path / "theirs.gguf", kind)
        fields, _ = _read(tmp_path / f"{kind}.gguf")
        assert fields["quantize.imatrix.dataset"] == "texts.jsonl"
        assert fields["quantize.imatrix.chunks_count"] == 3


def test_kinds_that_need_a_matrix_are_those_that_llama_cpp_refuses_without(wide: Path, tmp_path: Path) -> None:
    import ctypes

    import llama_cpp

    from cadmonkey.gguf.quantise import silence_llama_cpp

    silence_llama_cpp()
    refused = []
    for kind in PACKED:
        parameters = llama_cpp.llama_model_quantize_default_params()
        parameters.ftype = getattr(llama_cpp, f"LLAMA_FTYPE_MOSTLY_{kind.upper()}")
        paths = [str(path).encode() for path in (wide / "model-f16.gguf", tmp_path / "out.gguf")]
        if llama_cpp.llama_model_quantize(*paths, ctypes.byref(parameters)):
            refused.append(kind)
    assert refused == list(NEED_IMPORTANCE)


def test_a_kind_that_needs_a_matrix_is_refused_in_one_line(wide: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--quants iq2_xs: expected --imatrix with it") as caught:
        write_gguf(*open_trained(wide), {"iq2_xs": tmp_path / "m.gguf"}, ORIGIN)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []

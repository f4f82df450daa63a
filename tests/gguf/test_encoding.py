"""The bytes of each kind must be those that llama.cpp itself writes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cadmonkey.gguf.encoding import encode, row_bytes, tensor_type
from cadmonkey.gguf.quantise import quantise

pytest.importorskip("llama_cpp")


def hard_numbers() -> Any:
    """Return rows with zeros, huge and tiny numbers, exact halves between two steps, and infinitesimal scales."""
    random = np.random.default_rng(0)
    rows = random.standard_normal((64, 96)).astype(np.float32)
    rows[1], rows[2], rows[3], rows[4] = 0, rows[2] * 1e4, rows[3] * 1e-7, rows[4] * 1e-30
    rows[5, :32] = np.arange(32) / 2 - 7.5
    rows[5, 0] = 127
    rows[6, :32] = np.arange(-63.5, -31.5)
    rows[6, 31] = -127
    return rows


def test_q8_0_is_bit_for_bit_that_of_llama_cpps_quantizer(tmp_path: Path, model: Any, tokenizer: Any) -> None:
    from gguf import GGUFReader

    from cadmonkey.gguf.origin import Origin
    from tests.gguf.conftest import write_as

    write_as(model, tokenizer, tmp_path / "f32.gguf", Origin(name="tiny"), "f32")
    write_as(model, tokenizer, tmp_path / "ours.gguf", Origin(name="tiny"), "q8_0")
    quantise(tmp_path / "f32.gguf", tmp_path / "theirs.gguf", "q8_0")
    ours, theirs = GGUFReader(tmp_path / "ours.gguf"), GGUFReader(tmp_path / "theirs.gguf")
    assert {t.name for t in ours.tensors} == {t.name for t in theirs.tensors}
    wanted = {t.name: t for t in theirs.tensors}
    for tensor in ours.tensors:
        assert tensor.tensor_type == wanted[tensor.name].tensor_type, tensor.name
        assert np.array_equal(tensor.data, wanted[tensor.name].data), tensor.name
    fields = {key: field.contents() for key, field in ours.fields.items() if not key.startswith("GGUF.")}
    for key, value in fields.items():
        assert theirs.fields[key].contents() == value, key


@pytest.mark.parametrize("name", ["Q8_0", "BF16", "F16"])
def test_hard_numbers_are_rounded_as_in_the_gguf_package(name: str) -> None:
    from gguf import GGMLQuantizationType, quants

    rows = hard_numbers()
    wanted = quants.quantize(rows, GGMLQuantizationType[name])
    assert encode(rows, name).tobytes() == wanted.tobytes()


def test_bfloat16_is_rounded_as_torch_does() -> None:
    torch = pytest.importorskip("torch")
    rows = hard_numbers()
    wanted = torch.from_numpy(rows).to(torch.bfloat16).view(torch.uint16).numpy()
    assert np.array_equal(encode(rows, "BF16").view(np.uint16), wanted)


def test_sizes_are_those_of_the_bytes_and_odd_rows_fall_back() -> None:
    rows = hard_numbers()
    for name in ("F32", "F16", "BF16", "Q8_0"):
        assert len(encode(rows, name).tobytes()) == 64 * row_bytes(name, 96)
    assert [tensor_type(kind, (4, 48)) for kind in ("q8_0", "bf16", "f32")] == ["F16", "BF16", "F32"]
    assert tensor_type("q8_0", (48,)) == "F32"

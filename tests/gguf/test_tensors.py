"""The numbers of a file are those that llama.cpp's quantizer makes of the trained ones, whatever these look like."""

import copy
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cadmonkey.gguf.origin import Origin

torch = pytest.importorskip("torch", reason="export needs the train extra")

NANO = Path(__file__).parents[2] / "cadmonkey" / "assets" / "nano"
KINDS = ("f16", "q8_0", "q6_k", "q4_k_m", "iq4_xs", "q3_k_s", "q2_k")


def excesses(folder: Path, model: Any, out: Path, kinds: tuple[str, ...] = KINDS) -> dict[str, float]:
    """Write a model folder or an adapter in each kind; return by how much its worst tensor differs from `model`'s."""
    from gguf import GGUFReader

    from cadmonkey.gguf.tensors import compare_tensors
    from cadmonkey.gguf.trained import open_trained
    from cadmonkey.gguf.write import write_gguf

    paths = {kind: out / f"{kind}.gguf" for kind in kinds}
    out.mkdir(exist_ok=True)
    write_gguf(*open_trained(folder), paths, Origin(name="tensors"))
    reference = str(model.dtype).removeprefix("torch.")
    return {
        kind: max(figures.excess(reference) for figures in compare_tensors(GGUFReader(path), model, kind))
        for kind, path in paths.items()
    }


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LoRA of the shipped model that moves each matrix by 2 % of its size, as ordinary fine-tuning does."""
    from benchmarks.quants import save_adapter

    folder = tmp_path_factory.mktemp("lora") / "adapter"
    save_adapter(folder, use_dora=False)
    _change(folder, base_model_name_or_path=str(NANO))
    return folder


def _change(adapter: Path, **changes: object) -> None:
    path = adapter / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_the_merged_adapter_is_the_trained_model_in_every_kind(adapter: Path, tmp_path: Path) -> None:
    from cadmonkey.gguf.merge import load_merged

    merged = load_merged(adapter)[0]
    for kind, excess in excesses(adapter, merged, tmp_path / "float32").items():
        assert excess < 0.5, kind
    for kind, excess in excesses(adapter, merged.to(torch.bfloat16), tmp_path / "bfloat16").items():
        assert excess < 1, kind


@pytest.mark.parametrize("scale", [0, 0.5], ids=["not merged", "half its scale"])
def test_an_ordinary_adapter_that_is_not_merged_or_at_half_its_scale_shows_in_every_kind(
    scale: float, adapter: Path, tmp_path: Path
) -> None:
    from cadmonkey.gguf.merge import load_merged

    folder = NANO
    if scale:
        folder = Path(shutil.copytree(adapter, tmp_path / "scaled"))
        _change(folder, lora_alpha=32 * scale)
    for kind, excess in excesses(folder, load_merged(adapter)[0], tmp_path / "out").items():
        assert excess > 1.5, kind


def outlier_columns(model: Any) -> None:
    model.model.layers[1].mlp.down_proj.weight.data[:, 7] *= 60


def rows_of_next_to_nothing(model: Any) -> None:
    model.model.embed_tokens.weight.data[3:17] *= 1e-4
    model.model.layers[2].mlp.up_proj.weight.data[5] *= 1e-6


def rows_of_zeros(model: Any) -> None:
    model.model.layers[2].mlp.up_proj.weight.data[5] = 0


def numbers_of_any_size(model: Any) -> None:
    torch.manual_seed(0)
    for parameter in model.parameters():
        parameter.data *= torch.exp(2 * torch.randn_like(parameter))


@pytest.mark.parametrize("shape", [outlier_columns, rows_of_next_to_nothing, rows_of_zeros, numbers_of_any_size])
def test_true_files_are_true_however_the_numbers_are_spread(shape: Callable[[Any], None], tmp_path: Path) -> None:
    from cadmonkey.gguf.merge import load_merged

    model, tokenizer = load_merged(NANO)
    shape(model)
    model.save_pretrained(tmp_path / "model")
    tokenizer.save_pretrained(tmp_path / "model")
    for kind, excess in excesses(tmp_path / "model", model, tmp_path / "out").items():
        assert excess < 0.01, kind


def fill_a_row_of_zeros(model: Any) -> None:
    model.model.layers[2].mlp.up_proj.weight.data[5] = 1e-3


def shift_one_row(model: Any) -> None:
    weight = model.model.layers[2].mlp.up_proj.weight.data
    weight[9] = weight[9].roll(1)


def make_a_matrix_larger(model: Any) -> None:
    model.model.layers[2].mlp.up_proj.weight.data *= 1.015


@pytest.mark.parametrize("fault", [fill_a_row_of_zeros, shift_one_row, make_a_matrix_larger])
def test_a_small_fault_shows_in_every_kind(fault: Callable[[Any], None], tmp_path: Path) -> None:
    from cadmonkey.gguf.merge import load_merged

    model, tokenizer = load_merged(NANO)
    rows_of_zeros(model)
    other = copy.deepcopy(model)
    fault(other)
    other.save_pretrained(tmp_path / "model")
    tokenizer.save_pretrained(tmp_path / "model")
    for kind, excess in excesses(tmp_path / "model", model, tmp_path / "out").items():
        assert excess > 1, kind


def test_numbers_that_are_not_finite_never_pass(tmp_path: Path) -> None:
    from gguf import GGUFReader

    from cadmonkey.gguf.merge import load_merged
    from cadmonkey.gguf.tensors import compare_tensors

    model = load_merged(NANO)[0]
    excesses(NANO, model, tmp_path, ("f16", "q4_k_m"))
    model.model.layers[0].mlp.up_proj.weight.data[3, 5] = float("nan")
    for kind in ("f16", "q4_k_m"):
        worst = max(
            compare_tensors(GGUFReader(tmp_path / f"{kind}.gguf"), model, kind), key=lambda t: t.excess("float32")
        )
        assert (worst.name, worst.excess("float32")) == ("blk.0.ffn_up.weight", float("inf"))

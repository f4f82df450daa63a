"""The numbers in a GGUF file against the trained ones, matrix by matrix: what answers can hide, numbers cannot."""

import math
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from cadmonkey.gguf.architecture import as_llama_has_it, llama_names, rows_together
from cadmonkey.gguf.config import ModelConfig, read_config

if TYPE_CHECKING:
    import numpy as np
    import torch

_ROTATIONS = "rope_freqs.weight"

BLOCK_NUMBERS = 2**22
"""Numbers unpacked at a time, 16 MB."""

_TOLERANCES: dict[str, tuple[float, float, float]] = {
    **{"F32": (0.0005, 0.001, 0.001), "F16": (0.0005, 0.002, 0.002), "BF16": (0.001, 0.01, 0.01)},
    **{"Q8_0": (0.002, 0.04, 0.04), "Q6_K": (0.005, 0.1, 0.1), "Q5_K": (0.008, 0.2, 0.2)},
    **{"Q5_1": (0.008, 0.2, 0.2), "Q5_0": (0.008, 0.2, 0.2), "Q4_K": (0.015, 0.35, 0.35)},
    **{"Q4_1": (0.015, 0.35, 0.35), "Q4_0": (0.02, 0.4, 0.4), "IQ4_NL": (0.02, 0.35, 0.35)},
    **{"IQ4_XS": (0.02, 0.35, 0.35), "Q3_K": (0.04, 0.6, 0.6), "IQ3_S": (0.1, 0.6, 0.6)},
    **{"IQ3_XXS": (0.08, 0.8, 1.15), "Q2_K": (0.12, 0.9, 0.9), "IQ2_S": (0.14, 0.7, 1.1)},
    **{"IQ2_XS": (0.18, 0.8, 1.3), "IQ2_XXS": (0.25, 1.25, 1.35)},
}
"""Of `scale` from 1, of `row_error` and of `column_error`, by ggml's type: at least 1.7 times the most that
`benchmarks/quants.py` found in true files, with an importance matrix and without (benchmarks/results/quants.json), but
for columns of IQ2_XS and IQ2_XXS 1.3 times, to stay below the 1.41 of two that are swapped. They are fitted to the two
small models of that benchmark; a larger model with columns far larger than others may come nearer to them. From IQ3_S
on down, and in Q2_K with an importance matrix, true scales are so far from 1 that a matrix 5 % off is not found.
"""
_COARSEST = (0.42, 1.25, 1.6)
"""Of IQ1_M and IQ1_S, fitted likewise; so coarse that swapped columns are no further off than true ones."""
BFLOAT16_ERROR = 0.008
"""What a trained model that is too big to be compared in float32 may add: twice its relative rounding."""


@dataclass(frozen=True, kw_only=True)
class TensorFigures:
    """How one tensor of a file differs from the trained one.

    With Q for the file's numbers and W for the trained ones, `scale` is <Q, W> / <Q, Q>. Quantisers choose Q so that
    the rest W - Q is at right angles to it, so `scale` is near 1 in any kind, however coarse; a tensor that is 5 % too
    large has 0.95. `row_error` is the largest |Q - W| / |W| of a row: a row in another's place has 1.4. `column_error`
    is the same of a column, but over the mean size of all columns where its own is less: a block of a small kind lies
    across columns, so that small ones get the steps of their neighbours. A vector has no columns.
    """

    name: str
    type_name: str
    scale: float
    row_error: float
    column_error: float

    @classmethod
    def of_another(cls, name: str, type_name: str) -> Self:
        """Return the figures of a tensor that cannot be compared: absent, or of another shape."""
        return cls(name=name, type_name=type_name, scale=math.nan, row_error=math.inf, column_error=math.inf)

    def excess(self, reference: str) -> float:
        """How many times what its type may differ by it does; above 1 it is not the trained tensor."""
        rounding = 0.0 if reference == "float32" else BFLOAT16_ERROR
        found = (abs(self.scale - 1), self.row_error, self.column_error)
        allowed = _TOLERANCES.get(self.type_name, _COARSEST)
        worst = max(off / (most + rounding) for off, most in zip(found, allowed, strict=True))
        return worst if math.isfinite(sum(found)) else math.inf

    @property
    def words(self) -> str:
        """The figures in a few words."""
        if self.type_name == "absent":
            return f"{self.name} is in only one of the two"
        off = f"a row of it is off by {self.row_error:.1%}, a column by {self.column_error:.1%}"
        if not 0.5 < self.scale < 2:
            return f"{self.name} ({self.type_name}) is nothing like the trained one, {off}"
        return f"{self.name} ({self.type_name}) is {1 / self.scale:.3f} times the trained one, {off}"


def compare_tensors(reader: Any, model: Any) -> Iterator[TensorFigures]:
    """Yield the figures of every tensor that the model has, or the file, an open GGUFReader."""
    config = _config(model)
    trained = model.state_dict() | _rotations(model, config)
    names = {llama: name for name, llama in llama_names(config).items()} | {_ROTATIONS: _ROTATIONS}
    stored = {tensor.name: tensor for tensor in reader.tensors}
    tied = model.config.tie_word_embeddings
    wanted = {llama for llama, name in names.items() if name in trained and not (tied and llama == "output.weight")}
    for name in sorted(wanted | stored.keys()):
        if name not in stored or names.get(name) not in trained:
            yield TensorFigures.of_another(name, "absent")
        else:
            yield _compare(stored[name], names[name], trained[names[name]], config)


def _compare(stored: Any, name: str, trained: Any, config: ModelConfig) -> TensorFigures:
    import numpy as np

    type_name = stored.tensor_type.name
    if tuple(int(n) for n in reversed(stored.shape)) != tuple(trained.shape):
        return TensorFigures.of_another(stored.name, type_name)
    qw = qq = row_error = 0.0
    columns_off, columns = np.zeros(trained.shape[-1]), np.zeros(trained.shape[-1])
    for q, w in _blocks(stored, name, trained, config):
        off = q - w
        qw, qq = qw + float(np.vdot(q, w)), qq + float(np.vdot(q, q))
        row_error = max(row_error, _worst(np.linalg.norm(off, axis=1), np.linalg.norm(w, axis=1)))
        columns_off += np.einsum("rc,rc->c", off, off)
        columns += np.einsum("rc,rc->c", w, w)
    sizes = np.sqrt(np.maximum(columns, columns.mean()))
    return TensorFigures(
        name=stored.name,
        type_name=type_name,
        scale=qw / qq if qq else 1.0,
        row_error=row_error,
        column_error=_worst(np.sqrt(columns_off), sizes) if trained.dim() > 1 else 0.0,
    )


def _worst(off: "np.ndarray[Any, Any]", sizes: "np.ndarray[Any, Any]") -> float:
    """Return the largest of the errors over the sizes; infinity for NaN."""
    import numpy as np

    with np.errstate(divide="ignore", invalid="ignore"):
        errors = np.where(off > 1e-6, off / sizes, np.where(np.isnan(off), math.inf, 0))
    return float(np.nan_to_num(errors, nan=math.inf).max())


def _blocks(
    stored: Any, name: str, trained: Any, config: ModelConfig
) -> "Iterator[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]":
    """Yield blocks of rows (rows, columns) of the file's tensor and of the trained one, a vector as one row."""
    from gguf.quants import dequantize

    rows, together = trained.shape[0], rows_together(name, config)
    width = trained[0].numel()
    step = max(1, BLOCK_NUMBERS // width // together) * together
    for start in range(0, rows, step):
        stop = min(start + step, rows)
        made = dequantize(stored.data[start:stop], stored.tensor_type)
        wanted = as_llama_has_it(name, trained[start:stop].float().cpu().numpy(), config)
        shape = (1, -1) if trained.dim() == 1 else (stop - start, -1)
        yield made.reshape(shape), wanted.reshape(shape)


def _rotations(model: Any, config: ModelConfig) -> "dict[str, torch.Tensor]":
    """Return Llama 3.1's stretched rotations as divisors, from the frequencies that transformers computes with."""
    import torch

    if config.rope.kind != "llama3":
        return {}
    stretched = model.base_model.rotary_emb.inv_freq.double().cpu()
    places = torch.arange(0, config.head_dim, 2, dtype=torch.float64)
    return {_ROTATIONS: config.rope.theta ** (-places / config.head_dim) / stretched}


def _config(model: Any) -> ModelConfig:
    with tempfile.TemporaryDirectory() as folder:
        model.config.save_pretrained(folder)
        return read_config(Path(folder))

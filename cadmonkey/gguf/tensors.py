"""The numbers in a GGUF file against the trained ones, matrix by matrix: what answers can hide, numbers cannot."""

import math
import os
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from cadmonkey.gguf.architecture import as_llama_has_it, llama_names, rows_together
from cadmonkey.gguf.config import ModelConfig, read_config
from cadmonkey.gguf.encoding import STREAMED, encode
from cadmonkey.terminal import progress

if TYPE_CHECKING:
    import numpy as np
    import torch

_ROTATIONS = "rope_freqs.weight"

BLOCK_NUMBERS = 2**20
"""Numbers that one thread unpacks at a time, 4 MB."""

_ERROR = 0.2
_BFLOAT16_ERROR = 0.9
_SCALE = 0.01
_LINE_ERROR = 2.0
"""What a true tensor stays below in `error`, compared with a model in float32 or in bfloat16, in `scale` from 1, and in
`row_error` and `column_error`: two roundings of the same line that have nothing in common differ by 1.4 times what each
of them costs. True files of merged adapters came to 0.03, 0.63, 0.005 and 1.2 (`benchmarks/quants.py`)."""

FLOAT32_NOISE = 1e-4
BFLOAT16_NOISE = 2**-6
"""What the trained model's own arithmetic may differ by, of a line's size: sums in another order, or the rounding of
one that is too big to be merged in float32, four times over."""


@dataclass(frozen=True, kw_only=True)
class TensorFigures:
    """How one tensor of a file differs from what the trained one would be in the same type.

    W are the trained numbers, E what llama.cpp's quantizer makes of them, Q the file's. In a true file Q is E but for a
    few numbers that stood on the edge between two steps, however coarse the type. `error` is |Q - E| over |E - W|, the
    cost of rounding, and `row_error` and `column_error` are the largest of a row and of a column. `scale` is <Q, E> /
    <E, E>: a tensor that is 5 % too large has 1.05. A vector has no columns.
    """

    name: str
    type_name: str
    error: float
    scale: float
    row_error: float
    column_error: float

    @classmethod
    def of_another(cls, name: str, type_name: str) -> Self:
        """Return the figures of a tensor that cannot be compared: absent, or of another shape."""
        return cls(
            name=name, type_name=type_name, error=math.inf, scale=math.nan, row_error=math.inf, column_error=math.inf
        )

    def excess(self, reference: str) -> float:
        """How many times what it may differ by from a model in `reference` it does; above 1 it is another tensor."""
        lines = max(self.row_error, self.column_error) / _LINE_ERROR
        error = self.error / (_ERROR if reference == "float32" else _BFLOAT16_ERROR)
        found = (error, abs(self.scale - 1) / _SCALE, lines)
        return max(found) if math.isfinite(sum(found)) else math.inf

    @property
    def words(self) -> str:
        """The figures in a few words."""
        if self.type_name == "absent":
            return f"{self.name} is in only one of the two"
        off = f"off by {_times(self.error)} what its rounding costs, a row of it by {_times(self.row_error)}"
        if not 0.5 < self.scale < 2:
            return f"{self.name} ({self.type_name}) is nothing like the trained one"
        return f"{self.name} ({self.type_name}) is {self.scale:.3f} times the trained one, {off}"


def _times(ratio: float) -> str:
    return f"{ratio:.2g} times" if ratio < 1000 else "over 1,000 times"


def compare_tensors(
    reader: Any, model: Any, kind: str, imatrix: "Mapping[str, np.ndarray[Any, Any]] | None" = None
) -> list[TensorFigures]:
    """Return the figures of every tensor that the model has, or the file, an open GGUFReader.

    `kind` is the file's, of QUANTS, and `imatrix` the importance (columns,) of each matrix by llama.cpp's name that it
    was rounded by.
    """
    import torch

    config = _config(model)
    trained = model.state_dict() | _rotations(model, config)
    names = {llama: name for name, llama in llama_names(config).items()} | {_ROTATIONS: _ROTATIONS}
    stored = {tensor.name: tensor for tensor in reader.tensors}
    # PEFT may set two heads apart that hold the same
    head, embedding = (layer().weight for layer in (model.get_output_embeddings, model.get_input_embeddings))
    tied = head is embedding or ("output.weight" not in stored and torch.equal(head, embedding))
    wanted = {llama for llama, name in names.items() if name in trained and not (tied and llama == "output.weight")}
    both = sorted(name for name in wanted | stored.keys() if name in stored and names.get(name) in trained)
    absent = sorted((wanted | stored.keys()) - set(both))
    figures = [TensorFigures.of_another(name, "absent") for name in absent]

    def compare(name: str) -> TensorFigures:
        pack = partial(_packed, kind=kind, tensor_type=stored[name].tensor_type, importance=(imatrix or {}).get(name))
        return _compare(stored[name], names[name], trained[names[name]], config, pack)

    with progress("compare numbers", len(both), passing=True) as advance, ThreadPoolExecutor(os.cpu_count()) as pool:
        for made in pool.map(compare, both):
            figures.append(made)
            advance("")
    return figures


def _packed(
    rows: "np.ndarray[Any, Any]", *, kind: str, tensor_type: Any, importance: "np.ndarray[Any, Any] | None"
) -> "np.ndarray[Any, Any]":
    """Return float32 `rows` as they come out of a file of the type, NaN where it cannot hold them."""
    import numpy as np
    from gguf.quants import dequantize

    try:
        stored = encode(rows, tensor_type.name, importance, packed=kind not in STREAMED)
    except ValueError:
        return np.full_like(rows, math.nan)
    unpacked: np.ndarray[Any, Any] = dequantize(stored, tensor_type).reshape(rows.shape)
    return unpacked


def _compare(stored: Any, name: str, trained: Any, config: ModelConfig, pack: Any) -> TensorFigures:
    import numpy as np
    import torch

    type_name = stored.tensor_type.name
    if tuple(int(n) for n in reversed(stored.shape)) != tuple(trained.shape):
        return TensorFigures.of_another(stored.name, type_name)
    noise = FLOAT32_NOISE if trained.dtype in (torch.float32, torch.float64) else BFLOAT16_NOISE
    qe = ee = row_error = 0.0
    columns = np.zeros((3, trained.shape[-1]))
    for q, w in _blocks(stored, name, trained, config):
        e = pack(w)
        squares = [np.square(rows, dtype=np.float64) for rows in (q - e, e - w, w)]
        qe, ee = qe + float(np.vdot(q, e)), ee + float(np.vdot(e, e))
        row_error = max(row_error, _worst([part.sum(axis=1) for part in squares], noise))
        columns += [part.sum(axis=0) for part in squares]
    return TensorFigures(
        name=stored.name,
        type_name=type_name,
        error=_worst([part.sum(keepdims=True) for part in columns], noise),
        scale=qe / ee if ee else 1.0,
        row_error=row_error,
        column_error=_worst(list(columns), noise) if trained.dim() > 1 else 0.0,
    )


def _worst(squares: "list[np.ndarray[Any, Any]]", noise: float) -> float:
    """Return the largest |Q - E| / (|E - W| + noise |W|) of sums of squares of the three; infinity for NaN."""
    import numpy as np

    off, rounding, size = (np.sqrt(part) for part in squares)
    with np.errstate(divide="ignore", invalid="ignore"):
        errors = np.where(off == 0, 0, off / (rounding + noise * size))
    return float(np.nan_to_num(errors, nan=math.inf, posinf=math.inf).max())


def _blocks(
    stored: Any, name: str, trained: Any, config: ModelConfig
) -> "Iterator[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]":
    """Yield blocks of rows (rows, columns) of the file's tensor and of the trained one, a vector as one row."""
    import numpy as np
    from gguf.quants import dequantize

    rows, together = trained.shape[0], rows_together(name, config)
    width = trained[0].numel()
    step = max(1, BLOCK_NUMBERS // width // together) * together
    for start in range(0, rows, step):
        stop = min(start + step, rows)
        made = dequantize(stored.data[start:stop], stored.tensor_type)
        wanted = as_llama_has_it(name, trained[start:stop].float().cpu().numpy(), config)
        shape = (1, -1) if trained.dim() == 1 else (stop - start, -1)
        yield made.reshape(shape), np.ascontiguousarray(wanted.reshape(shape))


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

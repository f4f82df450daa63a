"""In which type llama.cpp's quantizer stores each tensor of a file, asked of the quantizer itself."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cadmonkey.gguf.architecture import write_hyperparameters
from cadmonkey.gguf.config import ModelConfig
from cadmonkey.gguf.quantise import quantise

if TYPE_CHECKING:
    import numpy as np

_ROWS = 2
"""Rows of each matrix in the sample; with a single one it would be a vector to llama.cpp, which is not quantised."""


def packed_types(
    quant: str,
    shapes: Mapping[str, tuple[int, ...]],
    config: ModelConfig,
    folder: Path,
    imatrix: "Mapping[str, np.ndarray[Any, Any]] | None",
) -> dict[str, str]:
    """Return ggml's type of every tensor in a file of kind `quant`.

    llama.cpp decides by name, layer, width and the model's heads, by rules that change with its version. So it gets a
    sample of the model to quantise, an f16 file with two rows of each matrix, and the answer is read off the result.
    The sample lies in `folder` for as long as that takes.

    Raises:
        RunError: llama.cpp refused.
    """
    from gguf import GGUFReader

    with tempfile.TemporaryDirectory(dir=folder, prefix=".sample-") as name:
        source, path = Path(name, "sample-f16.gguf"), Path(name, f"model-{quant}.gguf")
        _write_sample(source, shapes, config)
        quantise(source, path, quant, imatrix)
        return {tensor.name: tensor.tensor_type.name for tensor in GGUFReader(path).tensors}


def _write_sample(path: Path, shapes: Mapping[str, tuple[int, ...]], config: ModelConfig) -> None:
    import numpy as np
    from gguf import GGUFWriter

    writer = GGUFWriter(path, config.architecture)
    write_hyperparameters(writer, config)
    for name, shape in shapes.items():
        is_vector = len(shape) == 1
        writer.add_tensor(name, np.zeros(shape, np.float32) if is_vector else np.zeros((_ROWS, *shape[1:]), np.float16))
    try:
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
    finally:
        writer.close()

"""How numbers are stored in a GGUF file, from 32 bits each to less than two: bit for bit as llama.cpp does it."""

import ctypes
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

STREAMED = ("f32", "f16", "bf16", "q8_0")
"""The kinds that store the trained numbers themselves; the others store numbers that were rounded to f16 before."""

LARGEST = {"F32": 3.4e38, "F16": 65519.0, "BF16": 3.38e38, "Q8_0": 65504.0 * 127}
"""Numbers from here on become infinite."""

LARGEST_WORDS = {"F32": "3e38", "F16": "65,504", "BF16": "3e38", "Q8_0": "8.3 million"}
"""The largest number that is still kept, for people."""


def tensor_type(kind: str, shape: tuple[int, ...]) -> str:
    """Return ggml's name of the type in which a file of a streamed `kind` stores a tensor, as llama.cpp decides it.

    Vectors (norms, biases) stay in 32 bits; a matrix whose rows do not divide into blocks of 32 falls back to F16.
    """
    if len(shape) == 1:
        return "F32"
    return "F16" if kind == "q8_0" and shape[-1] % 32 else kind.upper()


def row_bytes(type_name: str, columns: int) -> int:
    """Return the size of one row of `columns` numbers."""
    block, size = _block(type_name)
    return columns // block * size


@cache
def _block(type_name: str) -> tuple[int, int]:
    """Return how many numbers a block of the type holds, and its bytes."""
    from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

    block, size = GGML_QUANT_SIZES[GGMLQuantizationType[type_name]]
    return int(block), int(size)


def encode(
    rows: "np.ndarray[Any, Any]",
    type_name: str,
    importance: "np.ndarray[Any, Any] | None" = None,
    *,
    packed: bool = False,
) -> "np.ndarray[Any, Any]":
    """Return contiguous float32 `rows` (rows, columns) as the bytes of `type_name`.

    16 bits and q8_0 round to nearest, ties to even; smaller types choose the scales of a block so that its squared
    errors are least, each weighted with its column's `importance` (columns,) where that is given. `packed` is for the
    kinds that are none of STREAMED: llama.cpp's quantizer packs what was rounded to 16 bits before.

    Raises:
        ValueError: the numbers cannot be kept in this type (a scale became infinite or no number).
    """
    import numpy as np

    if type_name == "F32":
        return rows
    if type_name == "F16":
        # ggml's conversion gives the same bits, but numpy's needs no foreign call
        with np.errstate(over="ignore"):
            return rows.astype(np.float16)
    if packed:
        rows = rows.astype(np.float16).astype(np.float32)
    columns = rows.shape[-1]
    out = np.empty((rows.size // columns, row_bytes(type_name, columns)), np.uint8)
    if type_name == "BF16":
        _ggml().ggml_fp32_to_bf16_row_ref(rows.ctypes.data, out.ctypes.data, rows.size)
        return out
    number, weights = _type_number(type_name), None if importance is None else importance.ctypes.data
    _ggml().ggml_quantize_chunk(number, rows.ctypes.data, out.ctypes.data, 0, len(out), columns, weights)
    if not _ggml().ggml_validate_row_data(number, out.ctypes.data, out.nbytes):
        raise ValueError(f"{type_name} cannot hold them")
    return out


@cache
def _type_number(type_name: str) -> int:
    """Return ggml's number of a type."""
    from gguf import GGMLQuantizationType

    return int(GGMLQuantizationType[type_name])


@cache
def _ggml() -> ctypes.CDLL:
    """Return llama.cpp's own library of number formats; its calls run beside other threads."""
    import llama_cpp

    folder = Path(llama_cpp.__file__).parent / "lib"
    names = ("libggml-base.so", "libggml-base.dylib", "ggml-base.dll")
    library = ctypes.CDLL(str(next(folder / name for name in names if (folder / name).is_file())))
    pointer, count = ctypes.c_void_p, ctypes.c_int64
    library.ggml_fp32_to_bf16_row_ref.argtypes = [pointer, pointer, count]
    library.ggml_fp32_to_bf16_row_ref.restype = None
    library.ggml_quantize_chunk.argtypes = [ctypes.c_int, pointer, pointer, count, count, count, pointer]
    library.ggml_quantize_chunk.restype = ctypes.c_size_t
    library.ggml_validate_row_data.argtypes = [ctypes.c_int, pointer, ctypes.c_size_t]
    library.ggml_validate_row_data.restype = ctypes.c_bool
    return library

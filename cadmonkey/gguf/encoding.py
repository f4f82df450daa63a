"""How numbers are stored in a GGUF file, in 32, 16 or 8 bits each: bit for bit as llama.cpp does it."""

import ctypes
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

STREAMED = ("f32", "f16", "bf16", "q8_0")
"""The kinds that are written straight from the trained numbers; llama.cpp's quantizer makes the others from f16."""

LARGEST = {"F32": 3.4e38, "F16": 65519.0, "BF16": 3.38e38, "Q8_0": 65504.0 * 127}
"""Numbers from here on become infinite."""

_Q8_0 = 8
"""ggml's number of the type."""


def tensor_type(kind: str, shape: tuple[int, ...]) -> str:
    """Return ggml's name of the type in which a file of `kind` stores a tensor, as llama.cpp decides it.

    Vectors (norms, biases) stay in 32 bits; a matrix whose rows do not divide into blocks of 32 falls back to F16.
    """
    if len(shape) == 1:
        return "F32"
    return "F16" if kind == "q8_0" and shape[-1] % 32 else kind.upper()


def row_bytes(type_name: str, columns: int) -> int:
    """Return the size of one row of `columns` numbers."""
    return columns // 32 * 34 if type_name == "Q8_0" else columns * (4 if type_name == "F32" else 2)


def encode(rows: "np.ndarray[Any, Any]", type_name: str) -> "np.ndarray[Any, Any]":
    """Return contiguous float32 `rows` (rows, columns) as the bytes of `type_name`.

    Numbers are rounded to nearest, ties to even; q8_0 is one 16-bit scale and 32 bytes for each 32 numbers.
    """
    import numpy as np

    if type_name == "F32":
        return rows
    if type_name == "F16":
        # ggml's conversion gives the same bits, but numpy's needs no foreign call
        with np.errstate(over="ignore"):
            return rows.astype(np.float16)
    columns = rows.shape[-1]
    out = np.empty((rows.size // columns, row_bytes(type_name, columns)), np.uint8)
    if type_name == "BF16":
        _ggml().ggml_fp32_to_bf16_row_ref(rows.ctypes.data, out.ctypes.data, rows.size)
    else:
        _ggml().ggml_quantize_chunk(_Q8_0, rows.ctypes.data, out.ctypes.data, 0, len(out), columns, None)
    return out


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
    return library

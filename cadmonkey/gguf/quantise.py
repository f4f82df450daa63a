"""The kinds of files that llama.cpp's own quantizer makes, and what it decides for each."""

import ctypes
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cadmonkey.errors import InputError, RunError
from cadmonkey.files import atomic_path

if TYPE_CHECKING:
    import numpy as np

QUANTS = (
    *("f16", "q8_0", "bf16", "f32", "q6_k", "q5_k_m", "q5_k_s", "q5_1", "q5_0"),
    *("q4_k_m", "q4_k_s", "q4_1", "q4_0", "iq4_nl", "iq4_xs", "q3_k_l", "q3_k_m", "q3_k_s", "iq3_m", "iq3_s", "iq3_xs"),
    *("iq3_xxs", "q2_k", "q2_k_s", "iq2_m", "iq2_s", "iq2_xs", "iq2_xxs", "iq1_m", "iq1_s"),
)
"""What `--quants` takes, from the largest file to the smallest, more or less."""

NEED_IMPORTANCE = ("iq3_xs", "iq3_xxs", "q2_k_s", "iq2_m", "iq2_s", "iq2_xs", "iq2_xxs", "iq1_m", "iq1_s")
"""Kinds that llama.cpp writes with an importance matrix only."""


def check_quants(quants: Sequence[str], *, has_importance: bool = False) -> tuple[str, ...]:
    """Return the names in lower case, each once.

    Raises:
        InputError: one of them is unknown or needs an importance matrix, or there is none.
    """
    names = tuple(dict.fromkeys(quant.lower() for quant in quants))
    if unknown := [name for name in names if name not in QUANTS]:
        raise InputError(f"--quants: expected some of {' '.join(QUANTS)}, got {' '.join(unknown)}")
    if not names:
        raise InputError(f"--quants: expected at least one of {' '.join(QUANTS)}, got none")
    if not has_importance and (needy := [name for name in names if name in NEED_IMPORTANCE]):
        raise InputError(f"--quants {needy[0]}: expected --imatrix with it, without which llama.cpp makes no such file")
    return names


def quantise(source: Path, path: Path, quant: str, imatrix: "Mapping[str, np.ndarray[Any, Any]] | None" = None) -> None:
    """Write the 16-bit file `source` as `path` in `quant`, the file whole or not at all.

    Tensors whose width does not fit the kind are stored in the nearest one that does, as llama.cpp decides. `imatrix`
    has the importance (columns,) of each matrix by llama.cpp's name.

    Raises:
        InputError: `path` cannot be written, or the kind needs an importance matrix.
        RunError: llama.cpp refused.
    """
    import llama_cpp

    check_quants([quant], has_importance=imatrix is not None)
    silence_llama_cpp()
    parameters = llama_cpp.llama_model_quantize_default_params()
    parameters.ftype = getattr(llama_cpp, f"LLAMA_FTYPE_MOSTLY_{quant.upper()}")
    if imatrix is not None:
        parameters.imatrix = _imatrix_entries(imatrix)
    with atomic_path(path) as temporary:
        status = llama_cpp.llama_model_quantize(str(source).encode(), str(temporary).encode(), ctypes.byref(parameters))
        if status != 0:
            raise RunError(
                f"{path}: llama.cpp could not write {quant} from {source.name} (status {status}); "
                "look for free disk space, and try q8_0"
            )


def _imatrix_entries(imatrix: "Mapping[str, np.ndarray[Any, Any]]") -> Any:
    """Return llama.cpp's array of (name, numbers, count); an entry without a name ends it."""
    import llama_cpp
    import numpy as np

    entries = (llama_cpp.llama_model_imatrix_data * (len(imatrix) + 1))()
    for entry, (name, numbers) in zip(entries, imatrix.items(), strict=False):
        values = np.ascontiguousarray(numbers, np.float32)
        entry.name, entry.size = name.encode(), values.size
        entry.data = (ctypes.c_float * values.size).from_buffer_copy(values.tobytes())
    return entries


def silence_llama_cpp() -> None:
    """Keep llama.cpp's log off the terminal; its callback prints what its Python logger lets through."""
    logging.getLogger("llama-cpp-python").setLevel(logging.CRITICAL + 10)

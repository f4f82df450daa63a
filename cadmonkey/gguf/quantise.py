"""Smaller GGUF files, made by llama.cpp's own quantizer."""

import logging
from collections.abc import Sequence
from pathlib import Path

from cadmonkey.errors import InputError, RunError
from cadmonkey.files import atomic_path

QUANTS = (
    *("f16", "q8_0", "bf16", "f32", "q6_k", "q5_k_m", "q5_k_s", "q5_1", "q5_0"),
    *("q4_k_m", "q4_k_s", "q4_1", "q4_0", "q3_k_l", "q3_k_m", "q3_k_s", "q2_k"),
)
"""What `--quants` takes; the iq kinds need measured activations and are not offered."""


def check_quants(quants: Sequence[str]) -> tuple[str, ...]:
    """Return the names in lower case, each once.

    Raises:
        InputError: one of them is unknown, or there is none.
    """
    names = tuple(dict.fromkeys(quant.lower() for quant in quants))
    if unknown := [name for name in names if name not in QUANTS]:
        raise InputError(f"--quants: expected some of {' '.join(QUANTS)}, got {' '.join(unknown)}")
    if not names:
        raise InputError(f"--quants: expected at least one of {' '.join(QUANTS)}, got none")
    return names


def quantise(source: Path, path: Path, quant: str) -> None:
    """Write the 16-bit file `source` as `path` in `quant`, the file whole or not at all.

    Tensors whose width does not fit the kind are stored in the nearest one that does, as llama.cpp decides.

    Raises:
        InputError: `path` cannot be written.
        RunError: llama.cpp refused.
    """
    import ctypes

    import llama_cpp

    silence_llama_cpp()
    parameters = llama_cpp.llama_model_quantize_default_params()
    parameters.ftype = getattr(llama_cpp, f"LLAMA_FTYPE_MOSTLY_{quant.upper()}")
    with atomic_path(path) as temporary:
        status = llama_cpp.llama_model_quantize(str(source).encode(), str(temporary).encode(), ctypes.byref(parameters))
        if status != 0:
            raise RunError(
                f"{path}: llama.cpp could not write {quant} from {source.name} (status {status}); "
                "look for free disk space, and try q8_0"
            )


def silence_llama_cpp() -> None:
    """Keep llama.cpp's log off the terminal; its callback prints what its Python logger lets through."""
    logging.getLogger("llama-cpp-python").setLevel(logging.CRITICAL + 10)

"""Trained numbers on disk: safetensors files, read by blocks of rows, so that no matrix is in memory whole."""

import json
import math
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cadmonkey.errors import InputError
from cadmonkey.files import read_json

if TYPE_CHECKING:
    import numpy as np

_BYTES = {"F32": 4, "F16": 2, "BF16": 2}
"""The dtypes that models are stored in, and the size of one number."""

_LONGEST_HEADER = 100_000_000
"""Bytes; the safetensors format allows no more."""


@dataclass(frozen=True)
class StoredTensor:
    """One tensor of a safetensors file: where its numbers lie."""

    path: Path
    name: str
    dtype: str
    shape: tuple[int, ...]
    offset: int

    def rows(self, start: int = 0, stop: int | None = None) -> "np.ndarray[Any, Any]":
        """Read rows `start` to `stop` (elements of a vector) as a new float32 array.

        Plain reads: the pages of a memory map would count as memory of this process.

        Raises:
            InputError: the file cannot be read that far.
        """
        import numpy as np

        stop = self.shape[0] if stop is None else stop
        width = math.prod(self.shape[1:])
        count, size = (stop - start) * width, _BYTES[self.dtype]
        stored = {"F32": np.float32, "F16": np.float16, "BF16": np.uint16}[self.dtype]
        try:
            numbers = np.fromfile(self.path, stored, count, offset=self.offset + start * width * size)
        except OSError as error:
            raise InputError(f"{self.path}: cannot be read ({error.strerror or error}); copy the file again") from error
        if numbers.size != count:
            raise InputError(f"{self.path}: {self.name} ends early; the file has become shorter, copy it again")
        return _widen(numbers).reshape(stop - start, *self.shape[1:])


def _widen(numbers: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    """Return float32; bfloat16, which numpy does not know, comes as its 16 bits: the upper half of a float32."""
    import numpy as np

    if numbers.dtype != np.uint16:
        return numbers.astype(np.float32, copy=False)
    wide = numbers.astype(np.uint32)
    np.left_shift(wide, 16, out=wide)
    return wide.view(np.float32)


def find_weights(folder: Path) -> dict[str, StoredTensor]:
    """Return every tensor of a model folder by name: those of model.safetensors, or of the shards its index names.

    Raises:
        InputError: a file is missing, broken or cut short, or holds another dtype.
    """
    index, single = folder / "model.safetensors.index.json", folder / "model.safetensors"
    if single.is_file():
        return read_header(single)
    if index.is_file():
        return _read_shards(index)
    raise InputError(
        f"{folder}: expected model.safetensors or model.safetensors.index.json, got neither; a model in another format "
        "becomes one with transformers' `save_pretrained`"
    )


def _read_shards(index: Path) -> dict[str, StoredTensor]:
    places = read_json(index)
    places = places.get("weight_map") if isinstance(places, dict) else None
    if not isinstance(places, dict) or not all(isinstance(name, str) for name in places.values()):
        raise InputError(f'{index}: expected "weight_map", tensor name -> file name, got none')
    tensors: dict[str, StoredTensor] = {}
    for file_name in sorted(set(places.values())):
        tensors |= read_header(index.parent / Path(file_name).name)
    if missing := sorted(places.keys() - tensors.keys()):
        raise InputError(f"{index}: expected {missing[0]} in {places[missing[0]]}, got a file without it")
    return {name: tensors[name] for name in places}


def read_header(path: Path) -> dict[str, StoredTensor]:
    """Return the tensors of one safetensors file by name, in the order of the file.

    Raises:
        InputError: it is missing, no safetensors file, shorter than its header says, or holds another dtype.
    """
    try:
        with path.open("rb") as file:
            length = struct.unpack("<Q", file.read(8))[0]
            header = json.loads(file.read(length)) if length <= _LONGEST_HEADER else None
            end = 8 + length
            entries = {key: value for key, value in header.items() if key != "__metadata__"}  # type: ignore[union-attr]
            tensors = [_entry(path, name, entry, end) for name, entry in entries.items()]
            size = file.seek(0, 2)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (struct.error, ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: expected a safetensors file, got another or a broken one; copy it again") from error
    _check_ends(path, tensors, size)
    return {tensor.name: tensor for tensor in sorted(tensors, key=lambda tensor: tensor.offset)}


def _entry(path: Path, name: str, entry: dict[str, Any], data_start: int) -> StoredTensor:
    dtype, shape = entry["dtype"], tuple(int(size) for size in entry["shape"])
    if dtype not in _BYTES:
        raise InputError(
            f"{path}: {name}: expected one of {', '.join(_BYTES)}, got {dtype}; "
            "name the 16-bit model, not a quantised one"
        )
    begin, end = entry["data_offsets"]
    if begin < 0 or min(shape, default=1) < 0 or end - begin != math.prod(shape) * _BYTES[dtype]:
        raise ValueError(name)
    return StoredTensor(path, name, dtype, shape, data_start + begin)


def _check_ends(path: Path, tensors: Iterable[StoredTensor], size: int) -> None:
    for tensor in tensors:
        if (end := tensor.offset + math.prod(tensor.shape) * _BYTES[tensor.dtype]) > size:
            raise InputError(
                f"{path}: expected {tensor.name} to end at byte {end}, got a file of {size} bytes; "
                "its copying was cut short, copy it again"
            )

"""The one pass from trained numbers on disk to GGUF files, by blocks, with all that llama.cpp must know besides."""

import math
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, as_completed, wait
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cadmonkey.errors import RunError
from cadmonkey.files import atomic_path
from cadmonkey.gguf.architecture import (
    as_llama_has_it,
    llama_names,
    rope_factors,
    rows_together,
    write_hyperparameters,
)
from cadmonkey.gguf.encoding import LARGEST, LARGEST_WORDS, STREAMED, encode, row_bytes, tensor_type
from cadmonkey.gguf.imatrix import Importance
from cadmonkey.gguf.origin import Origin, hub_url
from cadmonkey.gguf.packing import packed_types
from cadmonkey.gguf.quantise import check_quants
from cadmonkey.gguf.trained import TrainedModel, TrainedTensor
from cadmonkey.gguf.vocabulary import Vocabulary, read_vocabulary
from cadmonkey.terminal import progress

if TYPE_CHECKING:
    import numpy as np

BLOCK_NUMBERS = 2**21
"""Numbers that one thread holds at a time: 8 MB in 32 bits, and as much again for change and output."""

_ALIGNMENT = 32
"""Bytes; each tensor begins at a multiple of it, which is GGUF's default."""


@dataclass(frozen=True)
class _Tensor:
    """One tensor to be, by llama.cpp's name; `rows(start, stop)` computes a block of its rows in float32."""

    name: str
    source: str
    """Its name in the trained model."""
    shape: tuple[int, ...]
    together: int
    """A block is a multiple of so many rows."""
    rows: "Callable[[int, int], np.ndarray[Any, Any]]"
    trained: TrainedTensor | None = None
    """What is read from disk, None where the config alone says it all."""

    def place(self, start: int, stop: int) -> str:
        """Return the file that wrong numbers of these rows come from: the adapter where the base has numbers."""
        if self.trained is None:
            return "config.json"
        stored, change = self.trained.stored, self.trained.change
        if change is None or (change.replaced is None and not _is_finite(stored.rows(start, stop))):
            return str(stored.path)
        return str(change.path)

    def blocks(self) -> Iterator[tuple[int, int]]:
        """Yield the borders of blocks that fit into a thread's memory."""
        width = math.prod(self.shape[1:])
        size = max(1, BLOCK_NUMBERS // width // self.together) * self.together
        for start in range(0, self.shape[0], size):
            yield start, min(start + size, self.shape[0])


@dataclass(frozen=True)
class _File:
    """An opened GGUF file whose head is written; its tensors may be written in any order."""

    kind: str
    is_packed: bool
    """Whether it stores what llama.cpp's quantizer makes of an f16 file."""
    types: Mapping[str, str]
    descriptor: int
    offsets: dict[str, int]
    imatrix: "Mapping[str, np.ndarray[Any, Any]]"

    def limiting_type(self, tensor: _Tensor) -> str:
        """Return the type that bounds the tensor's numbers: what is packed was rounded to 16 bits before."""
        type_name = self.types[tensor.name]
        return "F16" if self.is_packed and type_name != "F32" else type_name

    def write(self, tensor: _Tensor, start: int, rows: "np.ndarray[Any, Any]") -> None:
        """Write a block of rows where it belongs.

        Raises:
            RunError: the numbers cannot be kept in the file's type.
        """
        type_name = self.types[tensor.name]
        try:
            data = encode(rows, type_name, self.imatrix.get(tensor.name), packed=self.is_packed).data.cast("B")
        except ValueError as error:
            place = tensor.place(start, start + len(rows))
            raise RunError(f"{place}: {tensor.source}: {error}; choose a larger kind, or q8_0") from error
        offset = self.offsets[tensor.name] + start * row_bytes(type_name, math.prod(tensor.shape[1:]))
        while data:
            done = os.pwrite(self.descriptor, data, offset)
            data, offset = data[done:], offset + done


def write_gguf(
    model: TrainedModel,
    tokenizer: Any,
    paths: Mapping[str, Path],
    origin: Origin,
    importance: Importance | None = None,
) -> None:
    """Write one file for each kind (of QUANTS) in one pass over the weights, each file whole or not at all.

    Memory holds a few blocks of rows, whatever the size of the model. The kinds of llama.cpp's quantizer are its own,
    bit for bit as it makes them from an f16 file, but no such file is written: each block is rounded to 16 bits and
    quantised where it is.

    Raises:
        InputError: a kind needs `importance`, the tokenizer is not supported, a weight file cannot be read, or a path
            cannot be written.
        RunError: a weight is not finite or does not fit into the kind's bits; the disk is full.
    """
    check_quants(list(paths), has_importance=importance is not None)
    vocabulary = read_vocabulary(tokenizer, model.config.vocab_size)
    tensors = list(_tensors(model))
    with ExitStack() as stack:
        files = []
        for kind, path in paths.items():
            temporary = stack.enter_context(atomic_path(path))
            weights = None if kind in STREAMED or importance is None else importance
            types = _types(kind, tensors, model, path.parent, weights)
            offsets = _write_head(temporary, kind, types, tensors, model, vocabulary, origin, weights)
            descriptor = os.open(temporary, os.O_WRONLY)
            stack.callback(os.close, descriptor)
            imatrix = weights.imatrix if weights else {}
            files.append(_File(kind, kind not in STREAMED, types, descriptor, offsets, imatrix))
        _stream(tensors, files)


def _types(
    kind: str, tensors: list[_Tensor], model: TrainedModel, folder: Path, importance: Importance | None
) -> dict[str, str]:
    """Return ggml's type of every tensor."""
    if kind in STREAMED:
        return {tensor.name: tensor_type(kind, tensor.shape) for tensor in tensors}
    shapes = {tensor.name: tensor.shape for tensor in tensors}
    return packed_types(kind, shapes, model.config, folder, importance.imatrix if importance else None)


def _tensors(model: TrainedModel) -> Iterator[_Tensor]:
    """Yield every tensor under llama.cpp's name, in the model's order."""
    config, names = model.config, llama_names(model.config)
    if (factors := rope_factors(config)) is not None:
        yield _Tensor("rope_freqs.weight", "rope_freqs", factors.shape, 1, lambda start, stop: factors[start:stop])
    for name, tensor in model.tensors.items():

        def rows(start: int, stop: int, name: str = name) -> "np.ndarray[Any, Any]":
            return as_llama_has_it(name, model.tensors[name].rows(start, stop), config)

        yield _Tensor(names[name], name, tensor.shape, rows_together(name, config), rows, tensor)


def _stream(tensors: list[_Tensor], files: list[_File]) -> None:
    """Compute every block once and write it to all files, on every core; stop at the first error."""
    from threadpoolctl import threadpool_limits

    jobs = [(tensor, *block) for tensor in tensors for block in tensor.blocks()]
    workers = os.cpu_count() or 1
    # BLAS's own threads would wait for their next matrix by spinning, on the cores that quantise
    shown = progress("write", len(jobs), passing=True)
    with shown as advance, threadpool_limits(1, "blas"), ThreadPoolExecutor(workers) as pool:
        running: set[Future[None]] = set()
        try:
            for tensor, start, stop in jobs:
                running.add(pool.submit(_write_block, tensor, start, stop, files))
                if len(running) >= 2 * workers:
                    done, running = wait(running, return_when=FIRST_COMPLETED)
                    for future in done:
                        future.result()
                        advance("")
            for future in as_completed(running):
                future.result()
                advance("")
        finally:
            for future in running:
                future.cancel()


def _write_block(tensor: _Tensor, start: int, stop: int, files: list[_File]) -> None:
    rows = tensor.rows(start, stop)
    _check_numbers(tensor, start, rows, files)
    for file in files:
        file.write(tensor, start, rows)


def _is_finite(rows: "np.ndarray[Any, Any]") -> bool:
    import numpy as np

    return bool(np.isfinite(rows).all())


def _check_numbers(tensor: _Tensor, start: int, rows: "np.ndarray[Any, Any]", files: list[_File]) -> None:
    peak = max(float(rows.max()), -float(rows.min()))
    narrowest = min(files, key=lambda file: LARGEST[file.limiting_type(tensor)])
    type_name = narrowest.limiting_type(tensor)
    # "not <=" also catches NaN
    if peak <= LARGEST[type_name]:
        return
    where = f"{tensor.place(start, start + len(rows))}: {tensor.source}"
    if not _is_finite(rows):
        raise RunError(
            f"{where}: expected numbers, got NaN or infinity; the training has diverged, or the file is damaged: take "
            "an earlier checkpoint, or copy the file again"
        )
    others = "bf16 or f32" if type_name != "F32" else "an earlier checkpoint"
    raise RunError(
        f"{where}: expected numbers up to {LARGEST_WORDS[type_name]}, the largest that {narrowest.kind} holds there, "
        f"got {peak:.3g}; the training has probably diverged, else choose {others}"
    )


def _write_head(
    path: Path,
    kind: str,
    types: Mapping[str, str],
    tensors: list[_Tensor],
    model: TrainedModel,
    vocabulary: Vocabulary,
    origin: Origin,
    importance: Importance | None,
) -> dict[str, int]:
    """Write everything but the numbers, make the file as long as it will be, and return where each tensor begins."""
    import numpy as np
    from gguf import GGMLQuantizationType, GGUFType, GGUFWriter

    writer = GGUFWriter(path, model.config.architecture)
    sizes = {}
    for tensor in tensors:
        type_name = types[tensor.name]
        rows, width = tensor.shape[0], math.prod(tensor.shape[1:])
        sizes[tensor.name] = rows * row_bytes(type_name, width)
        kind_number = GGMLQuantizationType[type_name]
        writer.add_tensor_info(tensor.name, tensor.shape, np.dtype(np.float16), sizes[tensor.name], kind_number)
    writer.add_type(GGUFType.MODEL)
    write_descent(writer, origin, kind)
    if importance is not None:
        _write_importance(writer, importance)
    write_hyperparameters(writer, model.config)
    _write_vocabulary(writer, vocabulary)
    try:
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
    finally:
        writer.close()
    return _lay_out(path, sizes)


def _lay_out(path: Path, sizes: Mapping[str, int]) -> dict[str, int]:
    """Return the offset of every tensor behind the head that `path` holds, and make the file as long as it will be."""
    end, offsets = _aligned(path.stat().st_size), {}
    for name, size in sizes.items():
        offsets[name], end = end, _aligned(end + size)
    os.truncate(path, end)
    return offsets


def _aligned(offset: int) -> int:
    return -(-offset // _ALIGNMENT) * _ALIGNMENT


def write_descent(writer: Any, origin: Origin, kind: str) -> None:
    """Write `general.*` but for the type: what the file is called, where it comes from, how it is stored."""
    import gguf

    total, shared, expert, count = writer.get_total_parameter_count()
    metadata = gguf.Metadata(
        name=origin.name,
        author=origin.author or None,
        license=origin.license or None,
        license_name=origin.license_name or None,
        license_link=origin.license_link or None,
        size_label=gguf.size_label(total, shared, expert, count),
        source_repo_url=hub_url(origin.source) if origin.source else None,
        base_models=origin.base_entries or None,
        datasets=origin.dataset_entries or None,
        tags=list(origin.tags),
        languages=list(origin.languages) or None,
    )
    metadata.set_gguf_meta_model(writer)
    if origin.language:
        writer.add_string("cadmonkey.language", origin.language)
    writer.add_file_type(gguf.LlamaFileType["ALL_F32" if kind == "f32" else f"MOSTLY_{kind.upper()}"])
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)


def _write_importance(writer: Any, importance: Importance) -> None:
    """Write what the matrix was measured on, under the keys of llama.cpp's own program."""
    writer.add_string("quantize.imatrix.dataset", importance.source)
    writer.add_int32("quantize.imatrix.entries_count", len(importance.imatrix))
    writer.add_int32("quantize.imatrix.chunks_count", importance.texts)


def _write_vocabulary(writer: Any, vocabulary: Vocabulary) -> None:
    writer.add_tokenizer_model(vocabulary.model)
    writer.add_tokenizer_pre(vocabulary.pre)
    writer.add_token_list(vocabulary.tokens)
    writer.add_token_types(vocabulary.types)
    if vocabulary.merges:
        writer.add_token_merges(vocabulary.merges)
    if vocabulary.scores:
        writer.add_token_scores(vocabulary.scores)
    if vocabulary.space_prefix is not None:
        writer.add_add_space_prefix(vocabulary.space_prefix)
    for name, number in vocabulary.special_ids.items():
        getattr(writer, f"add_{name}_token_id")(number)
    writer.add_add_bos_token(vocabulary.add_bos)
    if vocabulary.chat_template:
        writer.add_chat_template(vocabulary.chat_template)

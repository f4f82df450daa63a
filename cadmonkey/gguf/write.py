"""A transformers model as a GGUF file in 16 bits: tensors, hyperparameters, vocabulary, descent."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cadmonkey.errors import InputError, RunError
from cadmonkey.files import atomic_path
from cadmonkey.gguf.origin import Origin
from cadmonkey.gguf.vocabulary import Vocabulary, read_vocabulary

if TYPE_CHECKING:
    import numpy as np
    import torch

ARCHITECTURES = ("llama", "qwen2")
"""`model_type` of the models we can write; llama.cpp uses the same names."""


@dataclass(frozen=True)
class _Tensor:
    """One tensor to be: its `data` is made only when it is written, so that one copy at a time is in memory."""

    name: str
    shape: tuple[int, ...]
    is_float32: bool
    data: Callable[[], "np.ndarray[Any, Any]"]


def check_config(config: Any) -> None:
    """Refuse models that this writer would get wrong.

    Raises:
        InputError: the architecture or one of its options has no counterpart here.
    """
    if config.model_type not in ARCHITECTURES:
        raise _refuse("an architecture among " + ", ".join(ARCHITECTURES), str(config.model_type))
    if getattr(config, "quantization_config", None):
        raise _refuse("16- or 32-bit weights", "quantised ones (name the 16-bit model as base_model)")
    if config.hidden_act != "silu":
        raise _refuse("the activation silu", config.hidden_act)
    if getattr(config, "use_sliding_window", False):
        raise _refuse("attention over the whole context", "use_sliding_window")
    if (kind := _rope(config).get("rope_type", "default")) not in ("default", "linear", "llama3"):
        raise _refuse("a rope type among default, linear, llama3", kind)
    if _rope(config).get("partial_rotary_factor", 1.0) != 1.0:
        raise _refuse("rope over the whole head", f"partial_rotary_factor {_rope(config)['partial_rotary_factor']}")


def _refuse(expected: str, got: str) -> InputError:
    return InputError(f"config.json: expected {expected}, got {got}; this model cannot be exported")


def write_gguf(model: Any, tokenizer: Any, path: Path, origin: Origin) -> None:
    """Write `model` with 16-bit matrices and 32-bit vectors, the file whole or not at all.

    Raises:
        InputError: architecture or tokenizer are not supported, or `path` cannot be written.
        RunError: a weight is not finite or does not fit into 16 bits; the disk is full.
    """
    from gguf import GGUFWriter

    check_config(model.config)
    vocabulary = read_vocabulary(tokenizer, model.get_input_embeddings().weight.shape[0])
    tensors = list(_tensors(model))
    with atomic_path(path) as temporary:
        writer = GGUFWriter(temporary, model.config.model_type)
        for tensor in tensors:
            _announce(writer, tensor)
        _write_descent(writer, origin)
        _write_hyperparameters(writer, model.config)
        _write_vocabulary(writer, vocabulary)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        try:
            for tensor in tensors:
                writer.write_tensor_data(tensor.data())
        finally:
            writer.close()


def _announce(writer: Any, tensor: _Tensor) -> None:
    import numpy as np

    dtype = np.dtype(np.float32 if tensor.is_float32 else np.float16)
    writer.add_tensor_info(tensor.name, tensor.shape, dtype, math.prod(tensor.shape) * dtype.itemsize)


def _tensors(model: Any) -> Iterator[_Tensor]:
    """Yield every tensor under llama.cpp's name, in the model's order."""
    from gguf import MODEL_ARCH, get_tensor_name_map

    config = model.config
    architecture = {"llama": MODEL_ARCH.LLAMA, "qwen2": MODEL_ARCH.QWEN2}[config.model_type]
    names = get_tensor_name_map(architecture, config.num_hidden_layers)
    if _rope(config).get("rope_type") == "llama3":
        yield _rope_factors(config)
    for name, weight in model.state_dict().items():
        if name == "lm_head.weight" and _is_tied(model):
            continue
        new_name = names.get_name(name, try_suffixes=(".weight", ".bias"))
        if new_name is None:
            raise InputError(f"model: expected the tensors of a {config.model_type} model, got {name}")
        # llama.cpp wants vectors (norms, biases) in 32 bits
        yield _Tensor(new_name, tuple(weight.shape), weight.ndim == 1, _converter(name, weight, config))


def _is_tied(model: Any) -> bool:
    """Look at the weights, not at the config: training may have set head and embedding apart."""
    import torch

    head, embedding = model.get_output_embeddings().weight, model.get_input_embeddings().weight
    return head is embedding or (bool(model.config.tie_word_embeddings) and torch.equal(head, embedding))


def _converter(name: str, weight: "torch.Tensor", config: Any) -> "Callable[[], np.ndarray[Any, Any]]":
    import torch

    def convert() -> "np.ndarray[Any, Any]":
        values = weight.detach().cpu().to(torch.float32)
        if config.model_type == "llama" and ".q_proj." in name:
            values = interleave(values, config.num_attention_heads)
        elif config.model_type == "llama" and ".k_proj." in name:
            values = interleave(values, config.num_key_value_heads)
        narrow = values if values.ndim == 1 else values.to(torch.float16)
        if not torch.isfinite(narrow).all():
            raise RunError(
                f"model: {name} holds values up to {values.abs().max():.3g}; expected finite numbers below 65504, "
                "which is all that 16 bits hold; the training has probably diverged"
            )
        return narrow.contiguous().numpy()

    return convert


def interleave(weight: "torch.Tensor", heads: int) -> "torch.Tensor":
    """Reorder the rows (heads * head_dim, ...) of a query or key projection for llama.cpp's llama.

    transformers rotates dimension i of a head together with i + head_dim/2; llama.cpp rotates neighbours, so the two
    halves of every head are interleaved: 0, d/2, 1, d/2 + 1, ...
    """
    halves = weight.reshape(heads, 2, -1, *weight.shape[1:])
    return halves.transpose(1, 2).reshape(weight.shape)


def _rope(config: Any) -> dict[str, Any]:
    return dict(getattr(config, "rope_parameters", None) or {})


def _head_dim(config: Any) -> int:
    return int(getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads)


def _rope_factors(config: Any) -> _Tensor:
    """Llama 3.1's stretched rotations, as one divisor for each frequency (Meta's reference `apply_scaling`).

    Short waves keep their frequency, long ones are divided by the whole factor, those between by a blend of the two.
    """
    import torch

    rope, head_dim = _rope(config), _head_dim(config)
    original, low, high = rope["original_max_position_embeddings"], rope["low_freq_factor"], rope["high_freq_factor"]
    # in 32 bits throughout, as the model computes its own frequencies
    exponents = torch.arange(0, head_dim, 2, dtype=torch.float32) / head_dim
    wavelengths = 2 * math.pi / (1.0 / rope["rope_theta"] ** exponents)
    smooth = ((original / wavelengths - low) / (high - low)).clamp(0, 1)
    blended = 1 / ((1 - smooth) / rope["factor"] + smooth)
    factors = torch.where(wavelengths > original / low, torch.tensor(float(rope["factor"])), blended).numpy()
    return _Tensor("rope_freqs.weight", factors.shape, True, lambda: factors)


def _write_descent(writer: Any, origin: Origin) -> None:
    """Write `general.*`: what the file is, where it comes from, how it is stored."""
    import gguf

    total, shared, expert, count = writer.get_total_parameter_count()
    base = {"name": origin.base_model.rpartition("/")[2]}
    if origin.base_is_on_hub:
        base |= {"organization": origin.base_model.partition("/")[0]}
        base |= {"repo_url": f"https://huggingface.co/{origin.base_model}"}
    metadata = gguf.Metadata(
        name=origin.name,
        license=origin.license or None,
        size_label=gguf.size_label(total, shared, expert, count),
        base_models=[base] if origin.base_model else None,
        datasets=[{"name": name.rpartition("/")[2]} for name in origin.datasets] or None,
        tags=["text-generation"],
    )
    writer.add_type(gguf.GGUFType.MODEL)
    metadata.set_gguf_meta_model(writer)
    if origin.language:
        writer.add_string("cadmonkey.language", origin.language)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)


def _write_hyperparameters(writer: Any, config: Any) -> None:
    import gguf

    rope = _rope(config)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(_head_dim(config))
    writer.add_value_length(_head_dim(config))
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_dimension_count(_head_dim(config))
    writer.add_rope_freq_base(rope.get("rope_theta", 10000.0))
    writer.add_vocab_size(config.vocab_size)
    if rope.get("rope_type") == "linear":
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(rope["factor"])


def _write_vocabulary(writer: Any, vocabulary: Vocabulary) -> None:
    writer.add_tokenizer_model("gpt2")  # llama.cpp's name for byte-level BPE
    writer.add_tokenizer_pre(vocabulary.pre)
    writer.add_token_list(vocabulary.tokens)
    writer.add_token_types(vocabulary.types)
    writer.add_token_merges(vocabulary.merges)
    for name, number in vocabulary.special_ids.items():
        getattr(writer, f"add_{name}_token_id")(number)
    writer.add_add_bos_token(vocabulary.add_bos)
    if vocabulary.chat_template:
        writer.add_chat_template(vocabulary.chat_template)

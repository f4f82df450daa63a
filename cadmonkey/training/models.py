"""The shape of a base model without its weights: from its folder, from a table of known models, or from the Hub."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from cadmonkey.errors import InputError
from cadmonkey.training.engines import LORA_TARGETS, find_base

ShapeSource = Literal["model folder", "known model", "hub"]

_OWNERS = {"unsloth", "meta-llama", "Qwen", "mistralai", "google", "HuggingFaceTB", "TinyLlama"}
_ENDINGS = ("-unsloth-bnb-4bit", "-bnb-4bit", "-instruct", "-it", "-base", "-chat")


def _sizes(model_type: str, sizes: tuple[int, ...], *, tied: bool, positions: int, head_dim: int = 0) -> dict[str, Any]:
    """Name the six sizes of a row below as transformers' configs do."""
    names = ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads")
    sized = dict(zip((*names, "vocab_size"), sizes, strict=True))
    settings = {"model_type": model_type, "tie_word_embeddings": tied, "max_position_embeddings": positions}
    return {**sized, **settings, **({"head_dim": head_dim} if head_dim else {})}


def _llama(*sizes: int, tied: bool, positions: int = 131072) -> dict[str, Any]:
    return _sizes("llama", sizes, tied=tied, positions=positions)


def _qwen2(*sizes: int, tied: bool) -> dict[str, Any]:
    return _sizes("qwen2", sizes, tied=tied, positions=32768)


def _qwen3(*sizes: int, tied: bool) -> dict[str, Any]:
    return _sizes("qwen3", sizes, tied=tied, positions=40960, head_dim=128)


def _mistral(vocab_size: int) -> dict[str, Any]:
    return _sizes("mistral", (4096, 14336, 32, 32, 8, vocab_size), tied=False, positions=32768)


# hidden, intermediate, layers, heads, key/value heads, vocabulary
_KNOWN: dict[str, dict[str, Any]] = {
    "llama-3.2-1b": _llama(2048, 8192, 16, 32, 8, 128256, tied=True),
    "llama-3.2-3b": _llama(3072, 8192, 28, 24, 8, 128256, tied=True),
    "llama-3.1-8b": _llama(4096, 14336, 32, 32, 8, 128256, tied=False),
    "meta-llama-3.1-8b": _llama(4096, 14336, 32, 32, 8, 128256, tied=False),
    "llama-3-8b": _llama(4096, 14336, 32, 32, 8, 128256, tied=False, positions=8192),
    "meta-llama-3-8b": _llama(4096, 14336, 32, 32, 8, 128256, tied=False, positions=8192),
    "tinyllama-1.1b-chat-v1.0": _llama(2048, 5632, 22, 32, 4, 32000, tied=False, positions=2048),
    "smollm2-135m": _llama(576, 1536, 30, 9, 3, 49152, tied=True, positions=8192),
    "qwen2.5-0.5b": _qwen2(896, 4864, 24, 14, 2, 151936, tied=True),
    "qwen2.5-1.5b": _qwen2(1536, 8960, 28, 12, 2, 151936, tied=True),
    "qwen2.5-3b": _qwen2(2048, 11008, 36, 16, 2, 151936, tied=True),
    "qwen2.5-7b": _qwen2(3584, 18944, 28, 28, 4, 152064, tied=False),
    "qwen2.5-14b": _qwen2(5120, 13824, 48, 40, 8, 152064, tied=False),
    "qwen3-0.6b": _qwen3(1024, 3072, 28, 16, 8, 151936, tied=True),
    "qwen3-1.7b": _qwen3(2048, 6144, 28, 16, 8, 151936, tied=True),
    "qwen3-4b": _qwen3(2560, 9728, 36, 32, 8, 151936, tied=True),
    "qwen3-8b": _qwen3(4096, 12288, 36, 32, 8, 151936, tied=False),
    "mistral-7b-v0.1": _mistral(32000),
    "mistral-7b-instruct-v0.1": _mistral(32000),
    "mistral-7b-instruct-v0.2": _mistral(32000),
    "mistral-7b-v0.3": _mistral(32768),
    "mistral-7b-instruct-v0.3": _mistral(32768),
    "gemma-3-1b": _sizes("gemma3_text", (1152, 6912, 26, 4, 1, 262144), tied=True, positions=32768, head_dim=256),
}


@dataclass(frozen=True)
class Shape:
    """Sizes and parameter counts of a base model."""

    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    head_dim: int
    vocab_size: int
    max_position_embeddings: int
    total_parameters: int
    linear_parameters: int
    """In the linear layers other than the head: what quantization shrinks."""
    linear_rows: int
    """Output rows of those layers; each has a scale in 8 bits."""
    largest_linear: int
    """Parameters of the largest of them."""
    lora_sizes: int
    """Inputs plus outputs of every layer that gets LoRA."""
    source: ShapeSource

    def lora_parameters(self, rank: int) -> int:
        """Return how many weights LoRA of this rank trains."""
        return rank * self.lora_sizes

    @property
    def query_size(self) -> int:
        """Width of the queries of a layer, all heads together."""
        return self.num_attention_heads * self.head_dim

    @property
    def key_size(self) -> int:
        """Width of the keys of a layer, and of its values."""
        return self.num_key_value_heads * self.head_dim


def read_shape(base_model: str) -> Shape:
    """Read the sizes off a config, and count parameters on a model without memory.

    Raises:
        InputError: the model is no folder, not known and not to be had from the Hub.
    """
    import torch
    from transformers import AutoModelForCausalLM

    config, source = read_config(base_model)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    head = model.get_output_embeddings()
    linears = {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear) and module is not head
    }
    lora = [module for name, module in linears.items() if name.rpartition(".")[2] in LORA_TARGETS]
    heads = config.num_attention_heads
    return Shape(
        hidden_size=config.hidden_size,
        intermediate_size=config.intermediate_size,
        num_hidden_layers=config.num_hidden_layers,
        num_attention_heads=heads,
        num_key_value_heads=getattr(config, "num_key_value_heads", None) or heads,
        head_dim=getattr(config, "head_dim", None) or config.hidden_size // heads,
        vocab_size=config.vocab_size,
        max_position_embeddings=config.max_position_embeddings,
        total_parameters=sum(parameter.numel() for parameter in model.parameters()),
        linear_parameters=sum(module.weight.numel() for module in linears.values()),
        linear_rows=sum(module.out_features for module in linears.values()),
        largest_linear=max(module.weight.numel() for module in linears.values()),
        lora_sizes=sum(module.in_features + module.out_features for module in lora),
        source=source,
    )


def read_config(base_model: str) -> tuple[Any, ShapeSource]:
    """Return transformers' config of `base_model`, and where it is from; nothing is fetched for a known model."""
    from transformers import AutoConfig

    found = find_base(base_model)
    known = known_config(base_model)
    try:
        if Path(found).is_dir():
            return AutoConfig.from_pretrained(found), "model folder"
        if known:
            return AutoConfig.for_model(**known), "known model"
        return AutoConfig.from_pretrained(found), "hub"
    except (OSError, ValueError) as error:
        raise InputError(
            f"{base_model}: expected a model folder, a model that the Hub has and that can be reached, or one of "
            f"{', '.join(sorted(_KNOWN))}; check --base-model and the network"
        ) from error


def known_config(base_model: str) -> dict[str, Any]:
    """Return the sizes of a model in the table, told by its Hub id; empty for another."""
    owner, _, name = base_model.partition("/")
    if owner not in _OWNERS:
        return {}
    name = name.lower().replace("-coder-", "-")
    for ending in _ENDINGS:
        if name not in _KNOWN:
            name = name.removesuffix(ending)
    return _KNOWN.get(name, {})

"""Known shapes against the published numbers of parameters."""

import pytest

from cadmonkey.errors import InputError
from cadmonkey.training.models import known_config, read_shape

pytest.importorskip("transformers")

PUBLISHED = {
    "unsloth/Llama-3.2-1B-Instruct": 1_235_814_400,
    "meta-llama/Llama-3.2-3B": 3_212_749_824,
    "unsloth/Meta-Llama-3.1-8B-Instruct-bnb-4bit": 8_030_261_248,
    "Qwen/Qwen2.5-0.5B": 494_032_768,
    "Qwen/Qwen2.5-Coder-1.5B-Instruct": 1_543_714_304,
    "Qwen/Qwen2.5-3B": 3_085_938_688,
    "Qwen/Qwen2.5-Coder-7B-Instruct": 7_615_616_512,
    "Qwen/Qwen2.5-14B": 14_770_033_664,
    "Qwen/Qwen3-0.6B": 596_049_920,
    "Qwen/Qwen3-1.7B": 1_720_574_976,
    "Qwen/Qwen3-4B": 4_022_468_096,
    "Qwen/Qwen3-8B": 8_190_735_360,
    "mistralai/Mistral-7B-v0.1": 7_241_732_096,
    "mistralai/Mistral-7B-Instruct-v0.3": 7_248_023_552,
    "google/gemma-3-1b-it": 999_885_952,
    "TinyLlama/TinyLlama-1.1B-Chat-v1.0": 1_100_048_384,
    "HuggingFaceTB/SmolLM2-135M": 134_515_008,
}
"""As the models' pages on the Hub give them."""


@pytest.mark.parametrize("base_model", PUBLISHED)
def test_a_known_model_has_its_published_number_of_parameters(base_model: str) -> None:
    shape = read_shape(base_model)
    assert (shape.total_parameters, shape.source) == (PUBLISHED[base_model], "known model")


def test_a_like_name_of_another_owner_is_not_taken_for_a_known_model() -> None:
    assert known_config("someone/Llama-3.2-1B") == {}
    assert known_config("Qwen/Qwen2.5-0.5B-Instruct") == known_config("unsloth/Qwen2.5-0.5B")
    with pytest.raises(InputError, match="one of gemma-3-1b"):
        read_shape("someone/Llama-3.2-1B")


def test_lora_parameters_are_counted_by_layer() -> None:
    # 16 layers of q, o: 2048 + 2048; k, v: 2048 + 512; gate, up, down: 2048 + 8192
    assert read_shape("unsloth/Llama-3.2-1B").lora_parameters(8) == 8 * 16 * (2 * 4096 + 2 * 2560 + 3 * 10240)

"""A large model that takes no room and no time to make."""

import json
import os
import struct
from pathlib import Path
from typing import Any

ROWS, COLUMNS = 200_000, 256
"""An embedding of 205 MB in float32."""


def save_model_of_zeros(folder: Path, tokenizer: Any) -> Path:
    """Save a Llama of one small layer and a large vocabulary; its numbers are zeros, in a file that is a hole."""
    from cadmonkey.gguf.architecture import tensor_shapes
    from cadmonkey.gguf.config import read_config

    tokenizer.save_pretrained(folder)
    config = {
        **{"model_type": "llama", "vocab_size": ROWS, "hidden_size": COLUMNS, "intermediate_size": 256},
        **{"num_hidden_layers": 1, "num_attention_heads": 4, "max_position_embeddings": 64},
        "tie_word_embeddings": True,
    }
    (folder / "config.json").write_text(json.dumps(config))
    header: dict[str, Any] = {}
    end = 0
    for name, shape in tensor_shapes(read_config(folder)).items():
        size = 4 * shape[0] * (shape[1] if len(shape) == 2 else 1)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text)
    os.truncate(folder / "model.safetensors", 8 + len(text) + end)
    return folder

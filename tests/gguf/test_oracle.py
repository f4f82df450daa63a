"""llama.cpp's own converter is the reference: same tensors bit for bit, same metadata but for known differences.

pip download --no-deps --no-binary :all: llama-cpp-python==0.3.36   # outside the checkout, then unpack it
LLAMA_CPP_SOURCE=.../vendor/llama.cpp pytest tests/gguf/test_oracle.py
"""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cadmonkey.gguf.merge import load_merged
from cadmonkey.gguf.origin import read_origin
from cadmonkey.gguf.write import write_gguf

SOURCE = Path(os.environ.get("LLAMA_CPP_SOURCE", "/missing"))

OURS_ALONE = {
    # the end of turn, which llama.cpp else guesses from the tokens' names
    "tokenizer.ggml.eot_token_id",
    "tokenizer.ggml.eom_token_id",
    # llama.cpp's defaults, spelled out
    *(f"qwen2.{key}" for key in ("attention.key_length", "attention.value_length", "rope.dimension_count")),
    "qwen2.vocab_size",
    "general.tags",
}
REFERENCE_ALONE = {
    # read off the folder's name
    *("general.basename", "general.version", "general.finetune", "general.size_label"),
    # false either way
    *("tokenizer.ggml.add_eos_token", "tokenizer.ggml.add_sep_token"),
    # Qwen's config names a BOS, its tokenizer has none, and none is ever added
    "tokenizer.ggml.bos_token_id",
}
DIFFERENT = {
    "general.name",
    # ours has a fixed date
    "tokenizer.chat_template",
}


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    from gguf import GGUFReader

    reader = GGUFReader(path)
    fields = {key: field.contents() for key, field in reader.fields.items() if not key.startswith("GGUF.")}
    return fields, {t.name: (t.tensor_type, np.array(t.data)) for t in reader.tensors}


@pytest.mark.skipif(not SOURCE.is_dir(), reason="needs LLAMA_CPP_SOURCE, the folder of llama.cpp's converter")
@pytest.mark.skipif(find_spec("sentencepiece") is None, reason="the converter imports sentencepiece")
@pytest.mark.parametrize("name", ["llama32", "qwen25"])
def test_the_file_equals_that_of_llama_cpps_converter(
    name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    folder = request.getfixturevalue(name)
    write_gguf(*load_merged(folder), tmp_path / "ours.gguf", read_origin(folder))
    command = [sys.executable, SOURCE / "convert_hf_to_gguf.py", folder, "--outtype", "f16"]
    paths = [str(SOURCE / "gguf-py"), *filter(None, [os.environ.get("PYTHONPATH")])]
    subprocess.run(
        [*map(str, command), "--outfile", str(tmp_path / "reference.gguf")],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
        check=True,
        capture_output=True,
    )
    (fields, tensors), (wanted_fields, wanted) = _read(tmp_path / "ours.gguf"), _read(tmp_path / "reference.gguf")
    assert tensors.keys() == wanted.keys()
    assert [
        n for n, (kind, data) in tensors.items() if kind != wanted[n][0] or not np.array_equal(data, wanted[n][1])
    ] == []
    assert fields.keys() - wanted_fields.keys() <= OURS_ALONE
    assert wanted_fields.keys() - fields.keys() <= REFERENCE_ALONE
    common = fields.keys() & wanted_fields.keys()
    assert {key for key in common if fields[key] != wanted_fields[key]} <= DIFFERENT

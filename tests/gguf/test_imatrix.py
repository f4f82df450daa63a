"""The importance matrix is the mean square of each layer's inputs, and brings small files nearer to the model."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cadmonkey.data.chat import encode
from cadmonkey.errors import InputError
from cadmonkey.files import write_jsonl
from cadmonkey.gguf import imatrix
from cadmonkey.gguf.imatrix import Calibration, Importance, measure_importance, read_calibration
from cadmonkey.gguf.origin import Origin
from cadmonkey.gguf.player import Player
from cadmonkey.gguf.trained import open_trained
from cadmonkey.gguf.write import write_gguf

torch = pytest.importorskip("torch", reason="export needs the train extra")

ROWS = [
    {"prompt": f"{what} of {size} mm", "completion": "sphere(r);"}
    for size in range(3, 23)
    for what in ("a ball", "a cube", "a small ball", "a small cube")
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, new_llama: Callable[..., Any], tokenizer: Any) -> Path:
    """A model that scales some of its inputs far more than others, as large models do, and train.jsonl beside it."""
    folder = tmp_path_factory.mktemp("uneven")
    model = new_llama(hidden_size=256, intermediate_size=512, initializer_range=0.06)
    random = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("layernorm.weight"):
                parameter.copy_(torch.exp(1.5 * torch.randn(parameter.shape, generator=random)))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    write_jsonl(folder / "train.jsonl", ROWS[::2])
    return Path(folder)


@pytest.fixture(scope="module")
def uneven(folder: Path) -> Any:
    from cadmonkey.gguf.merge import load_merged

    return load_merged(folder)[0]


@pytest.fixture(scope="module")
def importance(folder: Path, uneven: Any, tokenizer: Any) -> Importance:
    """The matrix measured on half of ROWS."""
    calibration = read_calibration(folder, [folder / "train.jsonl"])
    return measure_importance(uneven, tokenizer, open_trained(folder)[0].config, calibration)


def test_each_column_counts_as_the_mean_square_of_its_input(
    importance: Importance, uneven: Any, tokenizer: Any, folder: Path
) -> None:
    assert (importance.source, importance.texts) == ("train.jsonl", len(ROWS) // 2)
    texts = [encode(tokenizer, row["prompt"], row["completion"]).input_ids for row in ROWS[::2]]
    assert importance.tokens == sum(map(len, texts))
    with torch.no_grad():
        layer = uneven.model.layers[0]
        inputs = torch.cat([layer.input_layernorm(uneven.model.embed_tokens(torch.tensor(ids))) for ids in texts])
    wanted = inputs.square().mean(0).numpy()
    for name in ("q", "k", "v"):
        np.testing.assert_allclose(importance.imatrix[f"blk.0.attn_{name}.weight"], wanted, rtol=1e-4)
    assert not any(name.startswith(("output", "token_embd")) for name in importance.imatrix)
    assert importance.imatrix["blk.1.ffn_down.weight"].shape == (512,)
    assert len(importance.imatrix) == 2 * 7
    assert not uneven.model.layers[0].mlp.up_proj._forward_pre_hooks


def test_texts_come_from_all_over_the_file_until_there_are_enough_tokens(
    folder: Path, uneven: Any, tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imatrix, "TOKENS", 100)
    calibration = read_calibration(folder, [folder / "train.jsonl"])
    few = measure_importance(uneven, tokenizer, open_trained(folder)[0].config, calibration)
    assert 100 <= few.tokens < 200
    assert few.texts < 10


HELD_OUT = ROWS[1::2]


def _log_probabilities(path: Path, tokenizer: Any) -> list[Any]:
    """Return what the file makes of each held-out text, (tokens, vocab)."""
    rows = []
    with Player(path, n_ctx=256) as player:
        for row in HELD_OUT:
            ids = encode(tokenizer, row["prompt"], row["completion"]).input_ids
            player._forget_from(0)
            logits = torch.tensor(np.array(player._decode(ids, 0, len(ids))), dtype=torch.float64)
            rows.append(logits.log_softmax(-1))
    return rows


@pytest.fixture(scope="module")
def wanted(folder: Path, tokenizer: Any, tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """What the f16 file makes of the held-out texts."""
    path = tmp_path_factory.mktemp("f16") / "f16.gguf"
    write_gguf(*open_trained(folder), {"f16": path}, Origin(name="uneven"))
    return _log_probabilities(path, tokenizer)


@pytest.mark.parametrize("kind", ["q4_k_m", "iq4_xs"])
def test_the_matrix_brings_a_small_file_nearer_to_the_f16_on_texts_it_was_not_measured_on(
    kind: str, folder: Path, importance: Importance, tokenizer: Any, wanted: list[Any], tmp_path: Path
) -> None:
    """Nearer on 4 of 5 of 40 texts comes about by chance once in 10,000 times; a shuffled matrix does not do it."""
    random = np.random.default_rng(0)
    shuffled = {name: random.permutation(row) for name, row in importance.imatrix.items()}
    kl = {}
    for name, matrix in {"none": None, "right": importance, "shuffled": Importance(shuffled, "", 1, 1)}.items():
        path = tmp_path / f"{name}.gguf"
        write_gguf(*open_trained(folder), {kind: path}, Origin(name="uneven"), matrix)
        got = _log_probabilities(path, tokenizer)
        pairs = zip(wanted, got, strict=True)
        kl[name] = np.array([float((right.exp() * (right - row)).sum(-1).mean()) for right, row in pairs])
    assert kl["right"].mean() < 0.75 * kl["none"].mean()
    assert np.mean(kl["right"] < kl["none"]) >= 0.8
    assert kl["shuffled"].mean() > 0.85 * kl["none"].mean()


def test_a_run_is_measured_on_what_it_was_trained_on_and_a_model_on_what_is_named(tmp_path: Path) -> None:
    given = [tmp_path / "prompts.jsonl", tmp_path / "more.jsonl"]
    for path, row in zip(given, ROWS[1:], strict=False):
        path.write_text(json.dumps(row))
    assert read_calibration(tmp_path, given) == Calibration("prompts.jsonl, more.jsonl", ROWS[1:3])
    with pytest.raises(InputError, match=r"--imatrix: expected .*train\.jsonl, the data that a run was trained on"):
        read_calibration(tmp_path, [])
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train.jsonl").write_text(json.dumps(ROWS[0]))
    assert read_calibration(tmp_path, []) == Calibration("train.jsonl", ROWS[:1])


@pytest.mark.parametrize(("text", "message"), [("", "got none"), ('{"text": "x"}', r"empty\.jsonl:1"), (None, "empty")])
def test_texts_that_are_not_there_are_named(text: str | None, message: str, tmp_path: Path) -> None:
    path = tmp_path / "empty.jsonl"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_calibration(tmp_path, [path])

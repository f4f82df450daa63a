"""How far each kind of file is from the model it was made of: the figures behind the thresholds of the proof.

    python benchmarks/quants.py --prompts 16        # writes benchmarks/results/quants.json, 6 to 20 minutes
    python benchmarks/quants.py --quants q8_0 q4_k_m

Two models are measured: the shipped nano on unseen prompts of parts, and a random Llama of its size on the plain
prompts of the proof. Beside the true file of each kind stands one with a fault, a matrix of one layer scaled by 1.05:
where its figures are no further off than the true file's, no threshold on them can tell the two apart. Kinds that
need an importance matrix get one measured on parts. "tensors" has the most that the tensors of each type differ by, as
the proof compares them, in true files of the shipped nano with two adapters that move each matrix by 2 % (LoRA and
DoRA): merged on the way by our writer, and by PEFT in float32 and rounded to bfloat16.
"""

import argparse
import copy
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.record import RESULTS, ROOT, circumstances, write_record

FIGURES = ("greedy_equal", "near_ties", "mean_kl", "max_kl", "probe_kl", "top_1", "perplexity", "original_perplexity")
FAULT = 1.05


def main() -> None:
    """Measure, print a line for each kind, and write the record."""
    from cadmonkey.gguf.quantise import QUANTS

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prompts", type=int, default=64)
    parser.add_argument("--quants", nargs="*", default=QUANTS)
    parser.add_argument("--out", type=Path, default=RESULTS / "quants.json")
    options = parser.parse_args()
    started = time.perf_counter()
    models: dict[str, Any] = {}
    for name, (model, tokenizer, questions) in _models(options.prompts).items():
        models[name] = _measure(name, model, tokenizer, questions, options.quants)
    tensors = _compare_adapted(options.quants)
    record = {"prompts": options.prompts, "fault": FAULT, "tensors": tensors, "models": models}
    write_record(options.out, {**circumstances(), "seconds": round(time.perf_counter() - started), **record})


def _models(prompts: int) -> dict[str, Any]:
    """Name -> (model, tokenizer, questions)."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from cadmonkey.data.rows import make_rows
    from cadmonkey.gguf.merge import load_merged
    from cadmonkey.gguf.questions import Question, read_questions
    from cadmonkey.parts import PLAIN

    nano, tokenizer = load_merged(ROOT / "cadmonkey" / "assets" / "nano")
    rows = make_rows(prompts, seed=77, split="test", mix=PLAIN)
    parts = tuple(Question(row["prompt"], row["completion"], tuple(row["stated"])) for row in rows)
    torch.manual_seed(0)
    config = LlamaConfig(**(nano.config.to_dict() | {"initializer_range": 0.06}))
    random = LlamaForCausalLM(config).eval()
    return {"nano": (nano, tokenizer, parts), "random": (random, tokenizer, read_questions(None, prompts))}


def _measure(name: str, model: Any, tokenizer: Any, questions: Any, quants: Any) -> dict[str, Any]:
    from cadmonkey.gguf.original import Original
    from cadmonkey.gguf.quantise import NEED_IMPORTANCE

    original, found = Original(model, tokenizer, questions), {}
    faulty = copy.deepcopy(model)
    faulty.model.layers[1].mlp.down_proj.weight.data.mul_(FAULT)
    importance = _importance(model, tokenizer)
    for quant in quants:
        needed = importance if quant in NEED_IMPORTANCE else None
        with _written(model, tokenizer, quant, needed) as true, _written(faulty, tokenizer, quant, needed) as wrong:
            imatrix = needed.imatrix if needed else None
            true_figures, wrong_figures = (_prove(path, quant, original, imatrix) for path in (true, wrong))
            found[quant] = {"true": true_figures, "faulty": wrong_figures}
        print(f"{name} {quant}: {found[quant]['true']} | faulty {found[quant]['faulty']}", flush=True)
    return found


def _compare_adapted(quants: Any) -> dict[str, Any]:
    """Dtype of the reference -> type -> the most that a tensor of a merged adapter's true files differs by."""
    import torch
    from gguf import GGUFReader

    from cadmonkey.gguf.merge import load_merged
    from cadmonkey.gguf.origin import Origin
    from cadmonkey.gguf.quantise import NEED_IMPORTANCE
    from cadmonkey.gguf.release import write_files
    from cadmonkey.gguf.tensors import compare_tensors
    from cadmonkey.gguf.trained import open_trained

    found: dict[str, list[Any]] = {"float32": [], "bfloat16": []}
    for use_dora in (False, True):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            save_adapter(folder / "adapter", use_dora=use_dora)
            model, tokenizer = load_merged(folder / "adapter")
            importance = _importance(model, tokenizer)
            rounded = copy.deepcopy(model).to(torch.bfloat16)
            for quant in quants:
                needed = importance if quant in NEED_IMPORTANCE else None
                opened = open_trained(folder / "adapter")
                write_files(*opened, folder, (quant,), Origin(name="measured"), importance=needed)
                reader, imatrix = GGUFReader(folder / f"model-{quant}.gguf"), needed.imatrix if needed else None
                for dtype, reference in (("float32", model), ("bfloat16", rounded)):
                    found[dtype] += compare_tensors(reader, reference, quant, imatrix)
    return {dtype: _worst(tensors) for dtype, tensors in found.items()}


def save_adapter(folder: Path, *, use_dora: bool) -> None:
    """Save an adapter of the nano that moves each matrix by 2 % of its size."""
    import torch
    from peft import LoraConfig, get_peft_model

    from cadmonkey.gguf.merge import load_merged

    torch.manual_seed(1)
    model, tokenizer = load_merged(ROOT / "cadmonkey" / "assets" / "nano")
    adapted = get_peft_model(model, LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", use_dora=use_dora))
    for module in adapted.modules():
        if getattr(module, "lora_B", None):
            a, b = module.lora_A["default"].weight.data, module.lora_B["default"].weight.data
            b.normal_()
            b.mul_(0.02 * module.base_layer.weight.norm() / (2 * b @ a).norm())
    adapted.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _importance(model: Any, tokenizer: Any) -> Any:
    """Measure the importance matrix on rows of parts as the nano was trained on."""
    from cadmonkey.data.rows import make_rows
    from cadmonkey.gguf.config import read_config
    from cadmonkey.gguf.imatrix import Calibration, measure_importance
    from cadmonkey.parts import PLAIN

    texts = Calibration("rows", list(make_rows(200, seed=5, split="train", mix=PLAIN)))
    with tempfile.TemporaryDirectory() as name:
        model.config.save_pretrained(name)
        return measure_importance(model, tokenizer, read_config(Path(name)), texts)


def _worst(tensors: list[Any]) -> dict[str, Any]:
    """Type -> the most that one of its tensors differs by."""
    return {
        name: {
            "error": max(round(t.error, 6) for t in tensors if t.type_name == name),
            "scale": max(round(abs(t.scale - 1), 6) for t in tensors if t.type_name == name),
            "row_error": max(round(t.row_error, 6) for t in tensors if t.type_name == name),
            "column_error": max(round(t.column_error, 6) for t in tensors if t.type_name == name),
        }
        for name in sorted({tensor.type_name for tensor in tensors})
    }


@contextmanager
def _written(model: Any, tokenizer: Any, quant: str, importance: Any) -> Iterator[Path]:
    """Yield the file of a model, gone afterwards."""
    from cadmonkey.gguf.origin import Origin
    from cadmonkey.gguf.release import write_files
    from cadmonkey.gguf.trained import open_trained

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        write_files(*open_trained(folder), folder, (quant,), Origin(name="measured"), importance=importance)
        yield folder / f"model-{quant}.gguf"


def _prove(path: Path, quant: str, original: Any, imatrix: Any) -> dict[str, Any]:
    from cadmonkey.gguf.prove import prove_against

    proof = prove_against(path, quant, original, imatrix)
    figures = {figure: float(f"{getattr(proof.figures, figure):.3g}") for figure in FIGURES}
    score = {} if proof.score is None else {"right": proof.score.all_pass, "of": proof.score.rows}
    return {**figures, **score, "proven": proof.proven, "reasons": list(proof.reasons), "size": proof.size_bytes}


if __name__ == "__main__":
    main()

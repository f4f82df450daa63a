"""How fast, in how much memory and with how much disk an adapter becomes a GGUF file, beside the usual way.

    make oracle                        # once: llama.cpp's own converter
    python benchmarks/export.py        # records itself in benchmarks/results/export.json

The model is random, of Llama-3.2-1B's shape (1.24 billion parameters, bfloat16, two shards), its adapter of rank 64 on
all linear layers. Our way is the command with --no-proof, papers and checksums included; the usual way is PEFT's
merge_and_unload, save_pretrained, llama.cpp's converter to f16 and its quantizer. Both ways run in turn, each in
processes of its own, and both read the weights from the page cache as far as it holds them. Memory is the highest
resident size of any process; bytes written count what is removed again, too.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.record import RESULTS, ROOT, circumstances, write_record

SHAPE = {
    **{"hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16, "num_attention_heads": 32},
    **{"num_key_value_heads": 8, "head_dim": 64, "vocab_size": 128256, "max_position_embeddings": 131072},
    **{"model_type": "llama", "architectures": ["LlamaForCausalLM"], "tie_word_embeddings": True},
    **{"hidden_act": "silu", "rms_norm_eps": 1e-5, "torch_dtype": "bfloat16", "attention_bias": False},
    **{"mlp_bias": False, "bos_token_id": 128000, "eos_token_id": 128009, "rope_theta": 500000.0},
    "rope_scaling": {
        **{"rope_type": "llama3", "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0},
        "original_max_position_embeddings": 8192,
    },
}
RANK = 64

MERGE = """
import sys
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer
base, adapter, out = sys.argv[1:]
model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16)
PeftModel.from_pretrained(model, adapter).merge_and_unload().save_pretrained(out)
AutoTokenizer.from_pretrained(adapter).save_pretrained(out)
"""

QUANTISE = """
import ctypes, sys
import llama_cpp
source, path, quant = sys.argv[1:]
parameters = llama_cpp.llama_model_quantize_default_params()
parameters.ftype = getattr(llama_cpp, f"LLAMA_FTYPE_MOSTLY_{quant.upper()}")
sys.exit(llama_cpp.llama_model_quantize(source.encode(), path.encode(), ctypes.byref(parameters)))
"""


def main() -> None:
    """Make the model, export it both ways, and record what each took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quants", nargs="+", default=["q8_0", "q4_k_m"])
    parser.add_argument("--tokenizer", type=Path, default=ROOT.parent / "shared" / "data" / "tokenizers" / "llama-3.2")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--out", type=Path, default=RESULTS / "export.json")
    options = parser.parse_args()
    converter = Path(os.environ.get("LLAMA_CPP_SOURCE", Path(sys.prefix) / "llama.cpp"))
    record = circumstances() | {"parameters": 0, "rank": RANK, "runs": []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        record["parameters"] = make_run(folder, options.tokenizer)
        for _ in range(options.rounds):
            for quant in options.quants:
                for way, steps in (("ours", ours(folder, quant)), ("usual", usual(folder, quant, converter))):
                    record["runs"].append({"quant": quant, "way": way, **measured(steps, folder / "out")})
                    print(record["runs"][-1], flush=True)
    record["ratios"] = {quant: ratios(record["runs"], quant) for quant in options.quants}
    print(json.dumps(record["ratios"], indent=1))
    write_record(options.out, record)


def make_run(folder: Path, tokenizer: Path) -> int:
    """Write base, adapter and recipe.json, matrix by matrix; return the number of parameters."""
    base, adapter = folder / "base", folder / "run" / "adapter"
    for path in (base, adapter):
        path.mkdir(parents=True)
        for file in tokenizer.glob("*token*.json"):
            shutil.copy(file, path)
    (base / "config.json").write_text(json.dumps(SHAPE))
    (folder / "run" / "recipe.json").write_text(json.dumps({"base_model": str(base)}))
    shapes = _shapes()
    _save_shards(base, shapes)
    linear = {name.removesuffix(".weight"): shape for name, shape in shapes.items() if "_proj." in name}
    _save_adapter(adapter, linear)
    return sum(shape[0] * (shape[1] if len(shape) == 2 else 1) for shape in shapes.values())


def _shapes() -> dict[str, tuple[int, ...]]:
    from cadmonkey.gguf.architecture import tensor_shapes
    from cadmonkey.gguf.config import read_config

    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "config.json").write_text(json.dumps(SHAPE))
        return tensor_shapes(read_config(Path(folder)))


def _save_shards(base: Path, shapes: dict[str, tuple[int, ...]]) -> None:
    import torch
    from safetensors.torch import save_file

    names, places = list(shapes), {}
    for number, part in enumerate((names[: len(names) // 2], names[len(names) // 2 :]), start=1):
        file = f"model-{number:05}-of-00002.safetensors"
        tensors = {name: (torch.randn(shapes[name]) * 0.02).to(torch.bfloat16) for name in part}
        save_file(tensors, base / file, metadata={"format": "pt"})
        places |= dict.fromkeys(part, file)
    (base / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": places}))


def _save_adapter(adapter: Path, linear: dict[str, tuple[int, ...]]) -> None:
    import torch
    from safetensors.torch import save_file

    tensors = {}
    for name, (rows, columns) in linear.items():
        tensors[f"base_model.model.{name}.lora_A.weight"] = torch.randn(RANK, columns) * 0.01
        tensors[f"base_model.model.{name}.lora_B.weight"] = torch.randn(rows, RANK) * 0.01
    save_file(tensors, adapter / "adapter_model.safetensors")
    targets = sorted({name.rpartition(".")[2] for name in linear})
    config = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "r": RANK, "lora_alpha": 2 * RANK}
    (adapter / "adapter_config.json").write_text(json.dumps(config | {"target_modules": targets}))


def ours(folder: Path, quant: str) -> list[list[str]]:
    """Return the commands of our way."""
    options = ["--quants", quant, "--out", str(folder / "out"), "--no-proof"]
    return [[sys.executable, str(ROOT / "export" / "to_gguf.py"), str(folder / "run"), *options]]


def usual(folder: Path, quant: str, converter: Path) -> list[list[str]]:
    """Return the commands of the usual way."""
    out = folder / "out"
    merged, half, final = out / "merged", out / "f16.gguf", out / "model.gguf"
    convert = [str(converter / "convert_hf_to_gguf.py"), str(merged), "--outtype", "f16", "--outfile", str(half)]
    return [
        [sys.executable, "-c", MERGE, str(folder / "base"), str(folder / "run" / "adapter"), str(merged)],
        [sys.executable, *convert],
        [sys.executable, "-c", QUANTISE, str(half), str(final), quant],
    ]


def measured(steps: list[list[str]], out: Path) -> dict[str, Any]:
    """Run the commands one after the other, and remove what they leave."""
    took = [_run(step) for step in steps]
    size = max(path.stat().st_size for path in out.rglob("*.gguf"))
    kept = [path.stat().st_size for path in out.rglob("*") if path.is_file()]
    shutil.rmtree(out)
    return {
        "seconds": round(sum(seconds for seconds, *_ in took), 1),
        "steps_s": [round(seconds, 1) for seconds, *_ in took],
        "cpu_s": round(sum(cpu for _, cpu, *_ in took), 1),
        "peak_rss_mb": round(max(rss for *_, rss, _ in took) / 1e6),
        "written_mb": round(sum(written for *_, written in took) / 1e6),
        "left_mb": round(sum(kept) / 1e6),
        "largest_gguf_mb": round(size / 1e6),
    }


def _run(command: list[str]) -> tuple[float, float, int, int]:
    """Return wall-clock seconds, CPU seconds, highest resident bytes and bytes written of one command."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
    if "convert_hf_to_gguf" in " ".join(command):
        environment["PYTHONPATH"] = ""
    started = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    seen = {"wchar": 0, "VmHWM": 0}
    watcher = threading.Thread(target=_watch, args=(process.pid, seen), daemon=True)
    watcher.start()
    assert process.stderr is not None
    error = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    watcher.join()
    if status:
        raise SystemExit(f"{' '.join(command)[-300:]}: {error.decode()[-2000:]}")
    return seconds, usage.ru_utime + usage.ru_stime, 1024 * seen["VmHWM"], seen["wchar"]


def _watch(pid: int, seen: dict[str, int]) -> None:
    """Keep the last count of bytes written, and the highest resident size in kB since the program was loaded.

    getrusage's maximum would begin with this process's own size, which the new one shares until it loads its program.
    """
    while True:
        try:
            lines = [line for name in ("io", "status") for line in Path(f"/proc/{pid}/{name}").read_text().splitlines()]
        except OSError:
            return
        seen |= {key: int(value.split()[0]) for key, _, value in (line.partition(":") for line in lines) if key in seen}
        time.sleep(0.02)


def ratios(runs: list[dict[str, Any]], quant: str) -> dict[str, float]:
    """Return how many times less our way takes than the usual one, the best round of each."""
    best = {
        way: min((run for run in runs if (run["quant"], run["way"]) == (quant, way)), key=lambda run: run["seconds"])
        for way in ("ours", "usual")
    }
    keys = ("seconds", "cpu_s", "peak_rss_mb", "written_mb")
    return {key: round(best["usual"][key] / best["ours"][key], 2) for key in keys}


if __name__ == "__main__":
    main()

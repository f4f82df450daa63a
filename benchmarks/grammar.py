"""What the grammar costs: tokens a second with and without it, in one run, on the same prompts.

    python benchmarks/grammar.py [--model F.gguf] [--prompts 60] [--rounds 3]

Writes benchmarks/results/grammar.json. Greedy answers are the same with and without, so the ratio is of equal work.
The clock is the CPU time of this process, one thread, so that other programs on the machine do not count; rounds
alternate between the two, and the medians are compared.
"""

import platform
import sys
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import tyro

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from cadmonkey.cad.openscad import LanguageError, parse_openscad
from cadmonkey.data.rows import make_rows
from cadmonkey.files import write_json
from cadmonkey.inference import Generation, Generator
from cadmonkey.terminal import run

RESULT = Path(__file__).parent / "results" / "grammar.json"


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """Every choice of this run."""

    model: Path = Path("cadmonkey/assets/nano-q8_0.gguf")
    """A GGUF; the shipped model unless given."""
    prompts: int = 60
    """Unseen parts to ask for."""
    rounds: int = 3
    """Times to ask for all of them, with and without in turn."""
    out: Path = RESULT
    """Where the figures go."""


def main(choices: Benchmark) -> None:
    """Measure greedy decoding and sampling at temperature 1, and write the figures."""
    prompts = [row["prompt"] for row in make_rows(choices.prompts, seed=99, split="test")]
    with Generator(choices.model, n_threads=1) as generator:
        generator.generate(prompts[0], grammar=True)
        figures = {f"temperature {t:g}": _compare(generator, prompts, choices.rounds, t) for t in (0.0, 1.0, 3.0)}
    machine = {"cpu": _cpu(), "python": platform.python_version(), "llama-cpp-python": version("llama-cpp-python")}
    what = {"model": choices.model.name, "prompts": choices.prompts, "rounds": choices.rounds}
    write_json(choices.out, {**what, **machine, **figures})
    for name, row in figures.items():
        print(f"{name}: {row}")


def _compare(generator: Generator, prompts: list[str], rounds: int, temperature: float) -> dict[str, Any]:
    speeds: dict[bool, list[float]] = {False: [], True: []}
    parsed = dict.fromkeys(speeds, 0)
    for seed in range(rounds):
        for grammar in speeds:
            start = time.process_time()
            made = [generator.generate(p, 256, temperature, seed=seed, grammar=grammar) for p in prompts]
            speeds[grammar].append(sum(m.tokens for m in made) / (time.process_time() - start))
            parsed[grammar] += sum(map(_parses, made))
    free, held = median(speeds[False]), median(speeds[True])
    share = {grammar: round(count / rounds / len(prompts), 4) for grammar, count in parsed.items()}
    return {
        "tokens_per_cpu_s_without": round(free),
        "tokens_per_cpu_s_with": round(held),
        "ratio": round(held / free, 3),
        "parse_rate_without": share[False],
        "parse_rate_with": share[True],
    }


def _parses(made: Generation) -> bool:
    try:
        parse_openscad(made.code)
    except LanguageError:
        return False
    return True


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


if __name__ == "__main__":
    run(lambda: main(tyro.cli(Benchmark)))

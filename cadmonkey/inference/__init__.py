"""Running a GGUF file with llama.cpp: its own template, its own stop tokens, reserved tokens masked."""

from cadmonkey.inference.generator import Generation, Generator
from cadmonkey.inference.grammar import GrammarProcessor, Vocabulary, read_vocabulary
from cadmonkey.inference.llama import Sampling, check_gguf
from cadmonkey.inference.predictions import Speed, predict, read_prompts
from cadmonkey.inference.shipped import SHIPPED_MODEL, shipped_model

__all__ = [
    "SHIPPED_MODEL",
    "Generation",
    "Generator",
    "GrammarProcessor",
    "Sampling",
    "Speed",
    "Vocabulary",
    "check_gguf",
    "predict",
    "read_prompts",
    "read_vocabulary",
    "shipped_model",
]

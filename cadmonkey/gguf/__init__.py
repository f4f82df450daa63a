"""GGUF files: written from a trained model, quantised by llama.cpp, and proven equal to it."""

from cadmonkey.gguf.hub import check_push, fetch_base, fetch_model, push
from cadmonkey.gguf.proof import UnprovenError
from cadmonkey.gguf.release import export, export_without_proof, update_card
from cadmonkey.gguf.table import print_proof

__all__ = [
    "UnprovenError",
    "check_push",
    "export",
    "export_without_proof",
    "fetch_base",
    "fetch_model",
    "print_proof",
    "push",
    "update_card",
]

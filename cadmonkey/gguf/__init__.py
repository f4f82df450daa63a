"""GGUF files: written from a trained model, quantised by llama.cpp, and proven equal to it."""

from cadmonkey.gguf.hub import check_push, fetch_base, fetch_model, push
from cadmonkey.gguf.merge import load_merged
from cadmonkey.gguf.proof import FileProof, Proof, UnprovenError
from cadmonkey.gguf.prove import prove_file
from cadmonkey.gguf.quantise import QUANTS, quantise
from cadmonkey.gguf.release import export, export_without_proof, update_card, write_files
from cadmonkey.gguf.table import print_proof
from cadmonkey.gguf.trained import open_trained
from cadmonkey.gguf.write import write_gguf

__all__ = [
    "QUANTS",
    "FileProof",
    "Proof",
    "UnprovenError",
    "check_push",
    "export",
    "export_without_proof",
    "fetch_base",
    "fetch_model",
    "load_merged",
    "open_trained",
    "print_proof",
    "prove_file",
    "push",
    "quantise",
    "update_card",
    "write_files",
    "write_gguf",
]

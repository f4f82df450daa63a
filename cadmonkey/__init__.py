"""CadMonkey: small language models that write CAD programs, from fine-tuning to a proven GGUF."""

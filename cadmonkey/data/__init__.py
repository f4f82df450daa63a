"""Data: sources, synthetic rows and the chat format."""

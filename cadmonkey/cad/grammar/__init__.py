"""Grammars of both notations."""

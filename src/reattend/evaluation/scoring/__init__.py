"""Texts and splits scored by their likelihood, chunk by chunk."""

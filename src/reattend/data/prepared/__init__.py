"""Corpora whose tokens are written once, from verified files, and then opened in no time."""

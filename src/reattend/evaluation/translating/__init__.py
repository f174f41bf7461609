"""Sentences through a translation model, and the record of a test set."""

"""Scores of a model: sums are accumulated and divided once."""

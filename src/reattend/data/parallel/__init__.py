"""Sentence pairs: from two languages' lines to Moses tokens, BPE subwords, numbers and batches."""

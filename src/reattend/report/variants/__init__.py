"""The layout `variants`: trained models over their seeds, compared with a baseline."""

"""The layout `layers`: a paper's figure of its layers, initial and trained, with and without skips and feed-forward."""

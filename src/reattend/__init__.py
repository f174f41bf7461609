"""reattend: what attention keeps and what it throws away, as runs anyone can repeat."""

__version__ = "0.1.0"

"""How far tokens become alike from layer to layer, what attention weighs, and what gradients arrive: measured exactly.

Quantities are functions of tensors, one value a sample; `measure` runs a decoder and collects them by layer.
"""

from reattend.diagnostics.gradients import gradient_norms, of_each_sample
from reattend.diagnostics.measure import Found, measure
from reattend.diagnostics.stacks import STACKS, Stack

__all__ = ["STACKS", "Found", "Stack", "gradient_norms", "measure", "of_each_sample"]

"""daGPAM's option space: every single value, and hypothesis-drawn combinations of them."""

from typing import Any

from hypothesis import strategies as st
from tiny import dagpam

CHOICES: dict[str, tuple[Any, ...]] = {
    "negative_query": ("head_shared", "per_head", "full"),
    "negative_query_layers": (1, 2),
    "negative_query_init": ("default", "identity", "negative_identity"),
    "activation": ("relu", "identity", "tanh", "gelu"),
    "bias": (True, False),
    "negative_key": ("none", "head_shared", "per_head", "full"),
    "lambda_mode": ("affine", "scaled_affine"),
    "lambda_trainable": (True, False),
    "lambda_scope": ("model", "layer", "head"),
    "lambda_constraint": ("none", "softplus", "sigmoid"),
}
START = 0.7  # a lambda that every constraint can reach
SINGLE = [{option: value} for option, values in CHOICES.items() for value in values]


@st.composite
def configs(draw: st.DrawFn) -> dict[str, Any]:
    """Any combination; lambdas within every constraint's range, and two different ones where they are free."""
    chosen = {option: draw(st.sampled_from(values)) for option, values in CHOICES.items()}
    lambdas = st.floats(0.05, 0.95)
    second = draw(lambdas | st.none()) if chosen["lambda_mode"] == "scaled_affine" else None
    return dagpam(**chosen, lambda_init=draw(lambdas), lambda_negative_init=second)

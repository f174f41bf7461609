"""Tiny random models of transformers' decoder families, and what they said before a PolicyCache was ever made."""

from functools import cache
from typing import Any

import torch
import transformers
from torch import Tensor

VOCABULARY, TOKENS = 61, 24
SIZES = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
    "initializer_range": 0.1,  # far enough from 0 that attention is not uniform
    "bos_token_id": None,
    "eos_token_id": None,
    "pad_token_id": 0,
}
GPT2 = {
    "vocab_size": VOCABULARY,
    "n_embd": 32,
    "n_layer": 2,
    "n_head": 4,
    "n_positions": 64,
    "initializer_range": 0.1,
    "bos_token_id": None,
    "eos_token_id": None,
}
FAMILIES: dict[str, tuple[str, dict[str, Any]]] = {
    "llama": ("Llama", {}),
    "llama_mha": ("Llama", {"num_key_value_heads": 4}),
    "llama_mqa": ("Llama", {"num_key_value_heads": 1}),
    "mistral": ("Mistral", {"sliding_window": None}),
    "qwen2": ("Qwen2", {}),
    "qwen3": ("Qwen3", {"head_dim": 8}),
    "gemma": ("Gemma", {"head_dim": 16}),
    "gemma2": ("Gemma2", {"head_dim": 8, "sliding_window": 64, "attn_logit_softcapping": 2.0}),
    "phi": ("Phi", {}),
    "phi3": ("Phi3", {}),
    "gpt2": ("GPT2", {}),
    "gpt_neox": ("GPTNeoX", {}),
    "olmo": ("Olmo", {}),
    "olmo2": ("Olmo2", {}),
    "stablelm": ("StableLm", {}),
    "opt": ("OPT", {"ffn_dim": 48, "word_embed_proj_dim": 32}),
}


def make(kind: str, *, head: str = "ForCausalLM", **changes: Any) -> Any:
    """A random model of a family's class in float32; the same numbers each time."""
    sizes, head = (GPT2, "LMHeadModel") if kind == "GPT2" else (SIZES, head)
    config = getattr(transformers, f"{kind}Config")(**(sizes | changes))
    torch.manual_seed(0)
    return getattr(transformers, kind.removesuffix("Text") + head)(config).eval()


def texts(*, rows: int = 2, tokens: int = TOKENS, seed: int = 0) -> Tensor:
    """Random tokens [rows, tokens]; 0 is kept for padding."""
    return torch.randint(1, VOCABULARY, (rows, tokens), generator=torch.Generator().manual_seed(seed))


@cache
def family(name: str, dtype: torch.dtype = torch.float64) -> tuple[Any, Tensor]:
    """A shared model, and its own logits of `texts()`."""
    kind, changes = FAMILIES[name]
    model = make(kind, **changes).to(dtype)
    with torch.no_grad():
        return model, model(input_ids=texts()).logits

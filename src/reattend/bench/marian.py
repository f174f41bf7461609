"""An encoder-decoder of ours as a MarianMTModel of transformers with the same weights: a side to measure against.

Only for what Marian has: softmax, post-norm, sinusoidal positions, ReLU, biases, one matrix for all embeddings.
"""

from typing import Any

import torch
from torch import Tensor, nn

from reattend.data.parallel.dictionary import EOS, PAD
from reattend.models.encoder_decoder import EncoderDecoder
from reattend.settings import SettingError


def marian(model: EncoderDecoder, *, activation: str = "relu") -> Any:
    """The same model in evaluation mode, which starts a target with EOS and scales its embeddings as ours."""
    try:
        from transformers import MarianConfig, MarianMTModel
    except ModuleNotFoundError:
        expected = "transformers to be installed, which this suite compares with"
        raise SettingError("suite", "beam_search", expected, "pip install -e '.[llm]' -c constraints.txt") from None
    vocabulary, width = model.output.weight.shape
    first: Any = model.encoder[0]
    heads, inner = first.attention.mechanism.heads, first.feed_forward.up.out_features
    config: dict[str, Any] = {
        "vocab_size": vocabulary,
        "d_model": width,
        "encoder_layers": len(model.encoder),
        "decoder_layers": len(model.decoder),
        "encoder_attention_heads": heads,
        "decoder_attention_heads": heads,
        "encoder_ffn_dim": inner,
        "decoder_ffn_dim": inner,
        "max_position_embeddings": model.context,
        "activation_function": activation,
        "scale_embedding": True,
        "pad_token_id": PAD,
        "eos_token_id": EOS,
        "forced_eos_token_id": EOS,
        "decoder_start_token_id": EOS,
        "attn_implementation": "sdpa",
    }
    theirs: Any = MarianMTModel(MarianConfig(**config))
    theirs = theirs.to(model.output.weight.dtype).eval()
    theirs.load_state_dict(_weights(model), strict=False)
    return theirs


def _weights(model: EncoderDecoder) -> dict[str, Tensor]:
    shared = model.output.weight
    names = ("model.shared", "model.encoder.embed_tokens", "model.decoder.embed_tokens", "lm_head")
    weights = {f"{name}.weight": shared for name in names}
    sides: dict[str, Any] = {"encoder": model.encoder, "decoder": model.decoder}
    for side, blocks in sides.items():
        for index, block in enumerate(blocks):
            layer = f"model.{side}.layers.{index}"
            weights |= _attention(f"{layer}.self_attn", [block.attention.inputs], block.attention.output)
            weights |= _linear(f"{layer}.self_attn_layer_norm", block.attention_norm)
            weights |= _linear(f"{layer}.fc1", block.feed_forward.up)
            weights |= _linear(f"{layer}.fc2", block.feed_forward.down)
            weights |= _linear(f"{layer}.final_layer_norm", block.feed_forward_norm)
            if side == "decoder":
                cross = block.cross_attention
                weights |= _attention(f"{layer}.encoder_attn", [cross.query, cross.memory], cross.output)
                weights |= _linear(f"{layer}.encoder_attn_layer_norm", block.cross_attention_norm)
    return weights


def _attention(name: str, joint: list[nn.Linear], output: nn.Linear) -> dict[str, Tensor]:
    """Our joint projections hold W_Q, W_K and W_V one after the other."""
    matrices = torch.cat([linear.weight for linear in joint]).chunk(3)
    biases = torch.cat([linear.bias for linear in joint]).chunk(3)
    found = _linear(f"{name}.out_proj", output)
    for part, matrix, bias in zip("qkv", matrices, biases, strict=True):
        found |= {f"{name}.{part}_proj.weight": matrix, f"{name}.{part}_proj.bias": bias}
    return found


def _linear(name: str, module: nn.Linear | nn.LayerNorm) -> dict[str, Tensor]:
    return {f"{name}.weight": module.weight, f"{name}.bias": module.bias}

"""The decoder: causal whatever is inside, and equal to PyTorch's own Transformer layers."""

import math

import pytest
import torch
from tiny import decoder, options, shake
from torch import nn

from reattend.settings import SettingError

SOFTMAX = options("attention")["softmax"]
EVERY_NORM = pytest.mark.parametrize("norm", ["pre", "post"])
EVERY_POSITION = pytest.mark.parametrize("positions", ["learned", "sinusoidal", "rotary"])


def text(*, length, batch=2, seed=0):
    return torch.randint(11, (batch, length), generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(
    "name", [name for name, config in options("model").items() if config["architecture"] == "decoder"]
)
def test_every_model_file_builds_under_its_name(name, unlike):
    config = options("model")[name]
    assert config["name"] == name
    sizes = {key: value for key, value in config.items() if key != "name"}
    if config["cutoffs"] is not None:  # made for a larger vocabulary
        sizes["cutoffs"] = [2 * band for band in range(1, 1 + len(config["cutoffs"]))]
    logits = decoder(unlike, **sizes)(text(length=5))
    assert logits.shape == (2, 5, 11)


@EVERY_NORM
@EVERY_POSITION
def test_logits_depend_on_earlier_tokens_alone(attention, norm, positions):
    model = decoder(attention, norm=norm, positions=positions).double()
    shake(model)
    embedded = []
    model.embedding.register_forward_hook(lambda module, inputs, output: embedded.append(output))
    logits = model(text(length=6))
    for t in range(6):
        (gradient,) = torch.autograd.grad(logits[:, t].square().sum(), embedded[0], retain_graph=True)
        reached = (gradient != 0).any(-1).all(0)
        assert reached.tolist() == [s <= t for s in range(6)]


def naive_sinusoids(length, width):
    table = torch.zeros(length, width, dtype=torch.float64)
    for t in range(length):
        for i in range(width // 2):
            angle = t / 10000 ** (2 * i / width)
            table[t, i], table[t, width // 2 + i] = math.sin(angle), math.cos(angle)
    return table


@EVERY_NORM
def test_softmax_decoder_equals_pytorchs_transformer(norm):
    width, layers, heads, length = 8, 3, 2, 7
    model = decoder(SOFTMAX, width=width, layers=layers, heads=heads, norm=norm, positions="sinusoidal").double()
    shake(model)
    x = width**0.5 * model.embedding.weight[text(length=length)] + naive_sinusoids(length, width)
    for block in model.blocks:
        layer = nn.TransformerEncoderLayer(
            width, heads, 4 * width, 0.0, "gelu", batch_first=True, norm_first=norm == "pre", dtype=torch.float64
        )
        pairs = {
            "self_attn.in_proj": block.attention.inputs,
            "self_attn.out_proj.": block.attention.output,
            "linear1.": block.feed_forward.up,
            "linear2.": block.feed_forward.down,
            "norm1.": block.attention_norm,
            "norm2.": block.feed_forward_norm,
        }
        copied = {}
        for name, ours in pairs.items():
            join = "" if name.endswith(".") else "_"
            copied |= {f"{name}{join}weight": ours.weight, f"{name}{join}bias": ours.bias}
        layer.load_state_dict(copied)
        x = layer(x, src_mask=torch.ones(length, length, dtype=torch.bool).triu(1))
    if norm == "pre":
        x = nn.functional.layer_norm(x, (width,), model.final_norm.weight, model.final_norm.bias)
    # the positions of both are computed in float32 and float64
    torch.testing.assert_close(model(text(length=length)), x @ model.embedding.weight.T, rtol=1e-5, atol=1e-5)


def test_loss_sums_over_the_targets_that_count():
    model = decoder(SOFTMAX)
    tokens, targets = text(length=5), text(length=5, seed=1)
    targets[0, 3:] = -100
    log_p = model(tokens).log_softmax(-1)
    wanted = -sum(log_p[b, t, targets[b, t]] for b in range(2) for t in range(5) if targets[b, t] >= 0)
    nats, count = model.loss(tokens, targets)
    torch.testing.assert_close(nats, wanted)
    assert count == 8


@pytest.mark.parametrize("tied", [True, False])
def test_tied_embeddings_are_one_matrix(tied):
    model = decoder(SOFTMAX, tied_embeddings=tied)
    assert (model.output.weight is model.embedding.weight) == tied
    names = {name for name, _ in model.named_parameters()}
    assert ("output.weight" in names) != tied


@pytest.mark.parametrize("bias", [True, False])
def test_bias_option_reaches_every_shared_layer(bias):
    model = decoder(SOFTMAX, bias=bias)
    assert any(name.endswith("bias") for name, _ in model.named_parameters()) == bias


def test_dropout_acts_in_training_alone():
    model = decoder(SOFTMAX, dropout=0.5)
    tokens = text(length=5)
    torch.manual_seed(0)
    assert not torch.equal(model.train()(tokens), model(tokens))
    assert torch.equal(model.eval()(tokens), model(tokens))
    torch.testing.assert_close(model(tokens), decoder(SOFTMAX)(tokens))


@pytest.mark.parametrize(
    ("sizes", "setting", "expected"),
    [
        ({"width": 9}, "model.width", "a multiple of model.heads=2"),
        ({"layers": 0}, "model.layers", "at least 1"),
        ({"heads": 0}, "model.heads", "at least 1"),
        ({"feed_forward": 0}, "model.feed_forward", "at least 1"),
        ({"dropout": 1.0}, "model.dropout", "below 1"),
        ({"width": 6}, "model.width", "an even width per head"),  # rotary pairs
        ({"width": 9, "heads": 3, "positions": "sinusoidal"}, "model.width", "an even number"),
        ({"architecture": "layers"}, "model.architecture", "one of decoder"),
        ({"norm": "both"}, "model.norm", "one of pre, post"),
    ],
)
def test_sizes_that_cannot_be_built_are_refused(sizes, setting, expected):
    with pytest.raises(SettingError, match=expected) as refused:
        decoder(SOFTMAX, **sizes)
    assert refused.value.setting == setting

"""Initial values: shared parameters start alike under every mechanism, and depth does not blow up the residual path."""

import pytest
import torch
from dagpam_space import SINGLE, START
from tiny import dagpam, decoder, options

SOFTMAX = options("attention")["softmax"]


@pytest.mark.parametrize("single", SINGLE, ids=str)
def test_shared_parameters_start_alike_whatever_a_mechanism_adds(single):
    torch.manual_seed(1)
    plain = decoder(SOFTMAX, seed=5).state_dict()
    torch.manual_seed(2)  # the global stream has no say
    other = decoder(dagpam(lambda_init=START, **single), seed=5).state_dict()
    assert len(other) > len(plain)
    assert all(torch.equal(plain[name], other[name]) for name in plain)


def test_a_seed_decides_every_random_parameter(attention):
    one, again, other = (decoder(attention, seed=seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(one[name], again[name]) for name in one)
    random = [name for name, value in one.items() if value.numel() > 1 and value.std() > 0 and not identity(value)]
    assert not any(torch.equal(one[name], other[name]) for name in random)


def identity(value):
    return value.shape[-1:] == value.shape[-2:-1] and torch.equal(value, torch.eye(value.shape[-1]).expand_as(value))


def test_layers_draw_different_numbers():
    first, second = decoder(dagpam()).blocks
    assert not torch.equal(first.attention.inputs.weight, second.attention.inputs.weight)
    assert not torch.equal(
        first.attention.mechanism.query_maps[0].weight, second.attention.mechanism.query_maps[0].weight
    )


@pytest.mark.parametrize("layers", [2, 8])
def test_spread_of_each_kind_of_parameter(layers):
    width = 128
    model = decoder(dagpam(), width=width, layers=layers, heads=2, vocabulary=256, positions="learned")
    plain = (2 / (5 * width)) ** 0.5
    for name, value in model.named_parameters():
        if name.endswith("bias"):
            assert (value == 0).all()
        elif "norm" in name or "raw_" in name:
            assert (value == 1).all()
        else:
            residual = name.endswith(("attention.output.weight", "feed_forward.down.weight"))
            std = 64**-0.5 if "mechanism" in name else plain / (2 * layers) ** 0.5 if residual else plain
            assert value.std().item() == pytest.approx(std, rel=0.05), name
            assert abs(value.mean().item()) < 5 * std / value.numel() ** 0.5, name


def test_residual_stream_does_not_grow_with_depth(attention):
    tokens = torch.arange(64).view(2, 32) % 11

    def added(layers):  # what the blocks write on top of the embeddings
        model = decoder(attention, width=64, layers=layers, heads=4)
        streams = []
        for block in model.blocks:
            block.register_forward_hook(lambda module, inputs, output: streams.append((inputs[0], output)))
        model(tokens)
        return (streams[-1][1] - streams[0][0]).std().item()

    assert added(24) < 1.5 * added(2)

"""What a mechanism costs: the fused path holds no [T, T] tensor, and daGPAM adds the parameters it says."""

import pytest
import torch
from dagpam_space import SINGLE, START
from tiny import dagpam, decoder, label, mechanism, options, qkv
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

SOFTMAX = options("attention")["softmax"]
LENGTH = 128


class LargestTensor(TorchDispatchMode):
    """The number of elements of the largest tensor that any operator returns."""

    def __init__(self):
        super().__init__()
        self.elements = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        sizes = [leaf.numel() for leaf in tree_leaves(result) if isinstance(leaf, torch.Tensor)]
        self.elements = max(self.elements, *sizes, 0)
        return result


def largest(config):
    model = decoder(config, width=8, layers=1, context=LENGTH, feed_forward=8)
    tokens = torch.zeros(1, LENGTH, dtype=torch.long)
    with LargestTensor() as seen:
        model.loss(tokens, tokens)[0].backward()
    return seen.elements


@pytest.mark.parametrize("config", [SOFTMAX, *(dagpam(lambda_init=START, **single) for single in SINGLE)], ids=label)
def test_no_tensor_of_all_pairs_forward_or_backward(config):
    assert largest(config) < LENGTH * LENGTH / 4


def test_the_probe_sees_the_dense_form():
    q, k, _ = qkv(queries=LENGTH, keys=LENGTH, batch=1)
    built = mechanism(SOFTMAX)
    with LargestTensor() as seen:
        built.weights(*built.branches(q, k), causal=True)
    assert seen.elements >= LENGTH * LENGTH


def parameters(model):
    return sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize("scope", ["model", "layer", "head"])
@pytest.mark.parametrize("mode", ["affine", "scaled_affine"])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("maps", [1, 2, 3])
def test_extra_parameters_are_the_maps_and_the_lambdas(scope, mode, bias, maps):
    layers, heads, head_width = 3, 2, 4
    config = dagpam(
        lambda_scope=scope,
        lambda_mode=mode,
        bias=bias,
        negative_query_layers=min(maps, 2),
        negative_key="head_shared" if maps == 3 else "none",
    )
    lambdas = {"model": 1, "layer": layers, "head": layers * heads}[scope] * {"affine": 1, "scaled_affine": 2}[mode]
    extra = parameters(decoder(config, layers=layers)) - parameters(decoder(SOFTMAX, layers=layers))
    assert extra == layers * maps * head_width * (head_width + bias) + lambdas


@pytest.mark.parametrize(
    ("sharing", "group", "width"), [("head_shared", 1, 4), ("per_head", 2, 4), ("full", 1, 8)], ids=str
)
def test_sharing_decides_how_large_a_map_is(sharing, group, width):
    extra = parameters(decoder(dagpam(negative_query=sharing), layers=1)) - parameters(decoder(SOFTMAX, layers=1))
    assert extra == group * width * (width + 1) + 1


def test_overhead_is_below_one_percent_in_a_model_of_the_paper():
    model = decoder(dagpam(), width=512, heads=8, layers=12, vocabulary=256)
    extra = sum(p.numel() for name, p in model.named_parameters() if ".mechanism." in name)
    plain = parameters(model) - extra
    assert extra == 12 * (64 * 65 + 1)
    assert 37.8e6 < plain < 38.0e6  # enwik8's model: 12 layers, width 512
    assert extra / plain < 0.01


@pytest.mark.parametrize("trainable", [True, False])
def test_fixed_lambdas_stay_where_they_are(trainable):
    model = decoder(dagpam(lambda_trainable=trainable, lambda_mode="scaled_affine"))
    lambdas = {name: p for name, p in model.named_parameters() if "raw_" in name}
    assert len(lambdas) == 4
    assert {p.requires_grad for p in lambdas.values()} == {trainable}


def test_scope_model_trains_one_lambda_for_all_layers():
    model = decoder(dagpam(lambda_scope="model"), layers=3)
    tokens = torch.arange(10).view(1, 10)
    model.loss(tokens, tokens)[0].backward()
    first, *others = (block.attention.mechanism for block in model.blocks)
    with torch.no_grad():
        first.raw_positive.sub_(0.25)
    assert first.raw_positive.grad != 0
    assert all(other.learned() == first.learned() for other in others)
    assert model.learned() == {"lambda_positive": [[0.75]] * 3, "lambda_negative": [[0.75]] * 3}

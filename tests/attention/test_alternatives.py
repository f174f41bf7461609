"""Mechanisms without a plain softmax: their formulas number by number, what their rows keep, and what blocks hold."""

import warnings

import naive_alternatives
import pytest
import torch
from test_cost import LargestTensor
from tiny import HEADS, attend, decoder, mechanism, options, qkv, scores, some_mask
from torch.autograd.graph import saved_tensors_hooks

from reattend.attention import blockwise
from reattend.cache import build_policy

NAMES = list(naive_alternatives.RULES)
VARIANTS = [
    *({"name": name} for name in NAMES),
    {"name": "coda", "centring": "mean"},
    {"name": "coda", "centring": "none"},
    {"name": "norm_softmax", "cap": False},
    {"name": "sigmoid", "bias": -1.5},
]
EVERY = pytest.mark.parametrize("name", NAMES)


def configured(changes):
    return options("attention")[changes["name"]] | changes


def parted(config, **changes):
    """Without conventional layers, of which a small model would consist."""
    return config | ({"vanilla_ends": False} if config["name"] == "cog" else {}) | changes


@pytest.mark.parametrize("changes", VARIANTS, ids=lambda c: "-".join(map(str, c.values())))
@pytest.mark.parametrize(("queries", "keys", "causal", "masked"), [(5, 5, True, False), (3, 5, False, True)])
def test_outputs_and_gradients_are_those_of_the_formulas(changes, queries, keys, causal, masked):
    config = configured(changes)
    built, (q, k, v) = mechanism(config), (x.requires_grad_() for x in qkv(queries=queries, keys=keys, batch=1))
    mask = some_mask(queries=queries, keys=keys, batch=1) if masked else None
    how = {"config": config, "parameters": dict(built.named_parameters())}
    wanted = naive_alternatives.attention(
        q[0], k[0], v[0], causal=causal, mask=None if mask is None else mask[0], **how
    )
    got = attend(built, q, k, v, causal=causal, mask=mask)[0]
    torch.testing.assert_close(got, wanted)
    direction, leaves = torch.linspace(-1, 2, got.numel()).view_as(got), [q, k, v, *built.parameters()]
    gradients = (torch.autograd.grad((y * direction).sum(), leaves) for y in (got, wanted))
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs)


def rows(name, *, scale=1.0, **changes):
    """Dense weights [2, H, 6, 6] of a causal pass and the logits."""
    q, k, _ = qkv(queries=6, keys=6)
    built = mechanism(configured({"name": name, **changes}))
    return scores(built, scale * q, k, causal=True), built.logits(scale * q, k), built


def test_what_rows_keep():
    earlier = torch.ones(6, 6, dtype=torch.bool).tril()
    count = torch.arange(1.0, 7.0, dtype=torch.float64)
    weights, logits, _ = rows("cog")
    torch.testing.assert_close(weights.abs().sum(-1), torch.ones_like(weights.sum(-1)))
    assert torch.equal(weights.sign(), logits.sign() * earlier)
    weights, logits, _ = rows("softpick")
    assert torch.equal(weights > 0, (logits > 0) & earlier)
    total = logits.expm1().mul(earlier)
    torch.testing.assert_close(weights.sum(-1), total.relu().sum(-1) / total.abs().sum(-1))  # at most 1
    assert (weights.sum(-1) == 0).any()
    weights, _, built = rows("nap")
    torch.testing.assert_close(weights.sum(-1), (count * built.bias.squeeze(-1)).expand(2, HEADS, 6))
    weights, _, _ = rows("sigmoid", scale=0.0)  # logits of 0: each row sums to n / (n + 1)
    torch.testing.assert_close(weights.sum(-1), (count / (count + 1)).expand(2, HEADS, 6))
    weights, logits, _ = rows("coda")
    assert (weights.abs() < 1).all()
    assert torch.equal(weights.sign(), logits.sign() * earlier)


def test_norm_softmax_is_softmax_where_logits_differ_much_and_does_not_mind_the_scale_where_they_hardly_do():
    q, k, _ = qkv(queries=1, keys=6)
    built, plain = mechanism(configured({"name": "norm_softmax"})), mechanism(options("attention")["softmax"])
    torch.testing.assert_close(scores(built, 9 * q, k, causal=True), scores(plain, 9 * q, k, causal=True))
    weak, weaker = (scores(built, factor * q, k, causal=True) for factor in (0.1, 0.01))
    torch.testing.assert_close(weak, weaker)
    assert (weak - scores(plain, 0.1 * q, k, causal=True)).abs().max() > 0.1


def test_the_gain_and_the_bias_of_nap_start_at_one_and_zero():
    config = configured({"name": "nap"})
    model = decoder(config, layers=3)
    assert model.learned() == {"gain": [[1.0] * HEADS] * 3, "bias": [[0.0] * HEADS] * 3}
    extra = sum(p.numel() for p in model.parameters())
    extra -= sum(p.numel() for p in decoder(options("attention")["softmax"], layers=3).parameters())
    assert extra == 3 * 2 * HEADS


@EVERY
@pytest.mark.parametrize("scale", [0.0, 1.0, 1e4])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_no_logits_however_equal_or_large_give_anything_but_numbers(name, scale, dtype):
    """Also 1e4 and below -1e4 alone, where an exponential overflows."""
    built = mechanism(configured({"name": name})).float()
    q, k, v = (x.to(dtype).requires_grad_() for x in qkv(queries=4, keys=4))
    with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
        outputs = [attend(built, scale * a, b, v, causal=True) for a, b in ((q, k), (q, -q.abs() * q.sign()))]
    for y in outputs:
        assert y.isfinite().all()
        for gradient in torch.autograd.grad(y.float().sum(), (q, k, v), allow_unused=True):
            assert gradient is None or gradient.isfinite().all()


@EVERY
@pytest.mark.parametrize("masked", [False, True])
def test_blocks_equal_the_dense_form_and_keep_no_tensor_of_all_pairs(name, masked, monkeypatch):
    monkeypatch.setattr(blockwise, "ROWS", 5)
    built = mechanism(parted(options("attention")[name]))
    for queries, keys, causal in ((64, 64, True), (48, 64, True), (64, 64, False)):
        q, k, v = (x.requires_grad_() for x in qkv(queries=queries, keys=keys, batch=1))
        leaves, pairs = [q, k, v, *built.parameters()], HEADS * queries * keys
        mask = some_mask(queries=queries, keys=keys, batch=1) if masked else None
        kept: dict[int, int] = {}  # bytes by place, as many of the tensors are parts of one

        def keep(x, kept=kept):
            kept[x.untyped_storage().data_ptr()] = x.untyped_storage().nbytes()
            return x

        with LargestTensor() as seen:
            with saved_tensors_hooks(keep, lambda x: x):
                y = attend(built, q, k, v, causal=causal, mask=mask)
            ours = torch.autograd.grad(y.square().sum(), leaves)
        assert sum(kept.values()) < pairs * q.element_size()  # all blocks together
        assert masked or seen.elements < pairs / 4  # a mask of all pairs was given
        dense = scores(built, q, k, causal=causal, mask=mask) @ v
        torch.testing.assert_close(y, dense)
        torch.testing.assert_close(ours, torch.autograd.grad(dense.square().sum(), leaves))


def test_a_block_is_computed_again_with_the_same_dropout(monkeypatch):
    """Values are linear: their gradient, made of the second drawing, gives back the outputs, made of the first."""
    monkeypatch.setattr(blockwise, "ROWS", 4)
    built = mechanism(options("attention")["sigmoid"] | {"dropout": 0.5}).train()
    q, k, v = (x.requires_grad_() for x in qkv(queries=12, keys=12))
    y = attend(built, q, k, v, causal=True)
    (by_value,) = torch.autograd.grad(y.sum(), v)
    torch.testing.assert_close((by_value * v).sum(), y.sum())


def test_a_mask_may_be_the_same_for_all_queries_of_many_blocks(monkeypatch):
    monkeypatch.setattr(blockwise, "ROWS", 4)
    built, (q, k, v) = mechanism(options("attention")["sigmoid"]), qkv(queries=9, keys=9)
    padding = torch.arange(9).expand(2, 1, 1, 9) < torch.tensor([6, 9]).view(2, 1, 1, 1)
    y = attend(built, q, k, v, causal=False, mask=padding)
    torch.testing.assert_close(y[:1], attend(built, q[:1], k[:1, :, :6], v[:1, :, :6], causal=False))


@pytest.mark.parametrize("policy", ["full", "window"])
@torch.no_grad()
def test_a_text_in_pieces_equals_one_pass_in_a_model_without_conventional_layers(policy):
    config = options("policy")[policy]
    model = decoder(parted(options("attention")["cog"])).double()
    tokens = torch.arange(20).view(2, 10) % 11
    state = build_policy(config | ({"size": 4} if policy == "window" else {})).state(layers=2)
    whole = build_policy(config | ({"size": 4} if policy == "window" else {})).state(layers=2)
    pieces = torch.cat([model(piece, state=state) for piece in tokens.split([3, 1, 6], dim=1)], dim=1)
    torch.testing.assert_close(pieces, model(tokens, state=whole))


def test_the_first_and_the_last_layer_of_cog_are_softmax():
    cog, softmax = options("attention")["cog"], options("attention")["softmax"]
    assert [layer.vanilla for layer in decoder(cog, layers=4).mechanisms] == [True, False, False, True]
    assert not any(layer.vanilla for layer in decoder(parted(cog), layers=4).mechanisms)
    tokens = torch.arange(12).view(1, 12) % 11
    with pytest.warns(UserWarning, match="Cog attention in 2 layers is softmax in all"):
        both = decoder(cog, layers=2)
    assert torch.equal(both(tokens), decoder(softmax, layers=2)(tokens))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not torch.equal(decoder(cog, layers=3)(tokens), decoder(softmax, layers=3)(tokens))

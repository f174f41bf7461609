"""The library against the formulas written out number by number (naive.py): outputs and gradients."""

import naive
import pytest
import torch
from dagpam_space import SINGLE, START
from tiny import HEADS, attend, dagpam, label, mechanism, options, qkv, some_mask

SOFTMAX = options("attention")["softmax"]
DAGPAM = [dagpam(lambda_init=START, **single) for single in SINGLE]
DAGPAM += [dagpam()]
DAGPAM += [
    dagpam(negative_query=q, negative_key=k, negative_query_layers=2)
    for q, k in (("full", "per_head"), ("per_head", "full"))
]
DAGPAM += [dagpam(lambda_mode="scaled_affine", lambda_scope="head", lambda_init=0.2, lambda_negative_init=0.9)]


@pytest.mark.parametrize("config", [SOFTMAX, *DAGPAM], ids=label)
@pytest.mark.parametrize(
    ("queries", "keys", "causal", "masked"), [(3, 3, True, False), (2, 4, True, True), (2, 3, False, False)]
)
def test_outputs_and_gradients_are_those_of_the_formulas(config, queries, keys, causal, masked):
    built = mechanism(config)
    q, k, v = (x.requires_grad_() for x in qkv(queries=queries, keys=keys, batch=1))
    mask = some_mask(queries=queries, keys=keys, batch=1) if masked else None
    parameters = dict(built.named_parameters())
    wanted = naive.attention(
        q[0], k[0], v[0], causal=causal, mask=None if mask is None else mask[0], config=config, parameters=parameters
    )
    got = attend(built, q, k, v, causal=causal, mask=mask)[0]
    assert got.shape == (HEADS, queries, q.shape[-1])
    torch.testing.assert_close(got, wanted)

    direction = torch.linspace(-1, 2, got.numel(), dtype=got.dtype).view_as(got)
    leaves = [q, k, v, *(p for p in built.parameters() if p.requires_grad)]
    for ours, theirs in zip(
        torch.autograd.grad((got * direction).sum(), leaves),
        torch.autograd.grad((wanted * direction).sum(), leaves),
        strict=True,
    ):
        torch.testing.assert_close(ours, theirs)


def test_the_lambdas_start_where_the_options_say():
    for constraint in ("none", "softplus", "sigmoid"):
        config = dagpam(
            lambda_mode="scaled_affine", lambda_init=0.3, lambda_negative_init=0.8, lambda_constraint=constraint
        )
        l_positive, l_negative = mechanism(config, seed=None).lambdas()
        assert l_positive.item() == pytest.approx(0.3)
        assert l_negative.item() == pytest.approx(0.8)

"""What attention weighs and how weights answer logits: by hand, and every mechanism against differences."""

import math
from typing import Any

import pytest
import torch
from tiny import dagpam, mechanism, options, qkv, shake
from torch import Tensor

from reattend.attention import Attention
from reattend.attention.base import Branches
from reattend.diagnostics.jacobian import jacobian_norm
from reattend.diagnostics.weighing import describe, entropy, negative_share

LENGTH = 6


def softmax() -> Attention:
    return mechanism(options("attention")["softmax"])


def uniform() -> tuple[Branches, Branches]:
    """All keys are one: every query sees them alike."""
    q, k, _ = qkv(queries=LENGTH, keys=LENGTH)
    return (q,), (k[:, :, :1].expand_as(k),)


def test_uniform_softmax() -> None:
    queries, keys = uniform()
    found = describe(softmax(), queries, keys, causal=False)
    for name, value in {
        "entropy": math.log(LENGTH),
        "negative_share": 0,
        "smallest_weight": 1 / LENGTH,
        "row_sum": 1,
        "row_sum_spread": 0,
        "row_sum_error": 0,
    }.items():
        assert found[name].tolist() == pytest.approx([value] * 2, abs=1e-12), name
    assert "branch_distance" not in found
    norm = jacobian_norm(softmax(), queries, keys, causal=False, rows=[0, 4])
    assert norm.tolist() == pytest.approx([2 * (1 - 1 / LENGTH)] * 2)
    causal = jacobian_norm(softmax(), queries, keys, causal=True, rows=[0, 2])  # 1 and 3 keys to see
    assert causal.tolist() == pytest.approx([(0 + 2 * (1 - 1 / 3)) / 2] * 2)


def test_softmax_has_the_closed_form() -> None:
    q, k, _ = qkv(queries=LENGTH, keys=LENGTH)
    built, rows = softmax(), [1, 3, 5]
    p = built.weights((q,), (k,), causal=True)[:, :, rows]
    wanted = 2 * (1 - p.square().sum(dim=-1)).mean(dim=(1, 2))
    assert torch.allclose(jacobian_norm(built, (q,), (k,), causal=True, rows=rows), wanted)


def outer(p: Tensor) -> Tensor:
    """J(p) = diag(p) - p p^T, [..., n, n]."""
    return torch.diag_embed(p) - p[..., :, None] * p[..., None, :]


@pytest.mark.parametrize(("start", "sign"), [("negative_identity", 1), ("identity", -1)])
def test_dagpam_has_the_papers_form_where_its_second_query_is_the_first_or_its_negative(start: str, sign: int) -> None:
    config = dagpam(negative_query_init=start, activation="identity", bias=False, lambda_init=0.7)
    built = mechanism(config, seed=None)
    q, k, _ = qkv(queries=LENGTH, keys=LENGTH)
    queries, keys = built.branches(q, k)
    positive, negative = (softmax().weights((b,), keys, causal=False)[:, :, :1] for b in queries)
    wanted = (1.7 * outer(positive) + sign * 0.7 * outer(negative)).abs().sum(dim=(-1, -2)).mean(dim=(1, 2))
    assert torch.allclose(jacobian_norm(built, queries, keys, causal=False, rows=[0]), wanted)


def test_two_tokens_of_dagpam_by_hand() -> None:
    """Logits of P+ are 0 and ln 3, of P- 0 and 0: P_G = 2 (1/4, 3/4) - (1/2, 1/2) = (0, 1); with l+ = l- = 2
    P_G = (-1/4, 5/4)."""
    built = mechanism(dagpam(lambda_init=2.0, negative_query_init="identity"), seed=None)
    q = torch.zeros(1, 2, 2, 4, dtype=torch.float64)
    k = torch.zeros_like(q)
    q[..., 0], k[:, :, 1, 0] = 2 * math.log(3), 1.0  # sqrt(D) = 2
    found = describe(built, (q, 0 * q), (k,), causal=False)
    assert found["smallest_weight"].item() == pytest.approx(-1 / 4)
    assert found["negative_share"].item() == pytest.approx((1 / 4) / (3 / 2))
    assert found["entropy"].item() == pytest.approx(0)
    assert found["branch_distance"].item() == pytest.approx(1 / 2)
    assert found["row_sum_error"].item() == pytest.approx(0)
    # A- stays as it is, since Q- is 0: 3 J(P+), whose four entries are 3/16 in size
    norm = jacobian_norm(built, (q, 0 * q), (k,), causal=False, rows=[1])
    assert norm.item() == pytest.approx(3 * 4 * 3 / 16)


def by_differences(built: Attention, queries: Branches, keys: Branches, row: int) -> float:
    """The same norm of sample 0, head 0 by central differences of one key at a time."""
    q, k = queries[0][0, :, row], keys[0]  # [H, D]
    total, e = 0.0, 1e-6
    for j in range(row + 1):
        change = torch.zeros_like(k)
        change[0, :, j] = q * q.shape[-1] ** 0.5 / q.square().sum(-1, keepdim=True)
        above, below = (
            built.weights(queries, (k + side * change, *keys[1:]), causal=True)[0, :, row] for side in (e, -e)
        )
        total += ((above - below) / (2 * e)).abs().sum(dim=-1).mean().item()
    return total


def test_every_mechanism_is_differentiated_exactly(attention: dict[str, Any]) -> None:
    built = mechanism(attention)
    q, k, _ = qkv(queries=LENGTH, keys=LENGTH)
    queries, keys = built.branches(q, k)
    norm = jacobian_norm(built, queries, keys, causal=True, rows=[4])
    assert norm[0].item() == pytest.approx(by_differences(built, queries, keys, 4), rel=1e-5)
    described = describe(built, queries, keys, causal=True)
    assert all(value.shape == (2,) and value.isfinite().all() for value in described.values())


def test_rows_that_sum_to_nothing_are_no_nan() -> None:
    with pytest.warns(UserWarning, match="rows sum to 0"):
        built = mechanism(dagpam(lambda_mode="scaled_affine", lambda_init=0.0, lambda_negative_init=1.0), seed=None)
    shake(built.query_maps)  # not the lambdas
    q, k, _ = qkv(queries=LENGTH, keys=LENGTH)
    queries, keys = built.branches(q, k)
    found = describe(built, queries, keys, causal=True)
    assert found["row_sum"].tolist() == pytest.approx([0, 0], abs=1e-12)
    assert all(value.isfinite().all() for value in found.values())
    assert jacobian_norm(built, queries, keys, causal=True, rows=[0, 5]).isfinite().all()
    only = torch.zeros(1, 2, 3, 3, dtype=torch.float64)
    only[:, :, 2] = torch.tensor([0.5, 0.5, -1.0])
    assert negative_share(only).item() == pytest.approx(0.5 / 3)
    assert entropy(only).item() == pytest.approx(math.log(2))  # rows without positive entries are left out

"""Residual ratio and token cosine of matrices whose values are known."""

import math

import pytest
import torch

from reattend.diagnostics.likeness import residual_ratio, token_cosine


def test_identical_tokens_are_collapsed() -> None:
    x = torch.randn(2, 1, 8, generator=torch.Generator().manual_seed(1)).double().expand(2, 5, 8)
    assert residual_ratio(x).tolist() == pytest.approx([0, 0], abs=1e-15)
    assert token_cosine(x).tolist() == pytest.approx([1, 1])


def test_orthogonal_tokens() -> None:
    x = torch.eye(4).double()
    # each column of I - 1/4 has absolute sum 3/4 + 3/4, each row as well; of I both are 1
    assert residual_ratio(x).item() == pytest.approx(1.5)
    assert token_cosine(x).item() == pytest.approx(0)


def test_two_tokens_by_hand() -> None:
    x = torch.tensor([[3.0, 4.0], [-3.0, 0.0]]).double()
    # mean (0, 2): residual [[3, 2], [-3, -2]], columns 6, 4, rows 5, 5; of x columns 6, 4, rows 7, 3
    assert residual_ratio(x).item() == pytest.approx(math.sqrt(6 * 5) / math.sqrt(6 * 7))
    assert token_cosine(x).item() == pytest.approx(-9 / 15)


def test_scale_changes_neither_and_opposite_tokens_have_cosine_minus_one() -> None:
    x = torch.randn(3, 6, 5, generator=torch.Generator().manual_seed(2)).double()
    for of in (residual_ratio, token_cosine):
        assert torch.allclose(of(1e-90 * x), of(x))
    assert token_cosine(torch.tensor([[1.0, 2.0], [-2.0, -4.0]]).double()).item() == pytest.approx(-1)


def test_the_cosine_is_the_mean_over_pairs() -> None:
    x = torch.randn(7, 5, generator=torch.Generator().manual_seed(3)).double()
    pairs = [torch.cosine_similarity(x[i], x[j], dim=0).item() for i in range(7) for j in range(i)]
    assert token_cosine(x).item() == pytest.approx(sum(pairs) / len(pairs))


def test_a_token_that_is_zero_has_no_direction() -> None:
    x = torch.tensor([[0.0, 0.0], [1.0, 1.0], [2.0, 0.0]]).double()
    assert token_cosine(x).item() == pytest.approx(math.sqrt(0.5))
    assert math.isfinite(residual_ratio(x).item())
    assert token_cosine(x[:2]).isnan() and residual_ratio(0 * x).isnan()

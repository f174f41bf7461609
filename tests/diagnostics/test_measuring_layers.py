"""A decoder's layers, whole and in part: what is measured is what a normal pass computes; and who collapses."""

import math
from typing import Any

import pytest
import torch
from tiny import dagpam, decoder, options, shake
from torch import Tensor

from reattend.diagnostics import STACKS, Stack, gradient_norms, measure, of_each_sample
from reattend.diagnostics.likeness import residual_ratio, token_cosine
from reattend.diagnostics.measure import spread
from reattend.diagnostics.stacks import embedded, run
from reattend.models.decoder import Decoder

SOFTMAX = options("attention")["softmax"]


def built(attention: dict[str, Any], **sizes: Any) -> Decoder:
    model = decoder(attention, **sizes).double().eval()
    shake(model)
    return model


def tokens(*shape: int) -> Tensor:
    return torch.randint(0, 11, shape, generator=torch.Generator().manual_seed(5))


@pytest.mark.parametrize("norm", ["pre", "post"])
@pytest.mark.parametrize("positions", ["learned", "sinusoidal", "rotary"])
def test_the_whole_stack_is_the_model(attention: dict[str, Any], norm: str, positions: str) -> None:
    model, text = built(attention, norm=norm, positions=positions), tokens(2, 9)
    with torch.no_grad():
        *_, (last, _) = run(model, embedded(model, text), STACKS["full"])
        assert torch.allclose(model.final_norm(last), model.hidden(text), rtol=1e-12)


@pytest.mark.parametrize("norm", ["pre", "post"])
def test_stacks_without_skips_or_feed_forward_by_hand(norm: str) -> None:
    model, text = built(SOFTMAX, norm=norm), tokens(2, 9)
    angles = model.positions.angles(0, 9, text.device)
    with torch.no_grad():
        for name, stack in STACKS.items():
            x = wanted = embedded(model, text)
            for block, (found, tap) in zip(model.blocks, run(model, x, stack), strict=True):
                for f, ln in (
                    (lambda y, block=block: block.attention(y, angles=angles, state=None), block.attention_norm),
                    (block.feed_forward, block.feed_forward_norm),
                )[: 1 + stack.feed_forward]:
                    kept = wanted if stack.skip else 0
                    wanted = kept + f(ln(wanted)) if norm == "pre" else ln(kept + f(wanted))
                assert torch.allclose(found, wanted, rtol=1e-12), name
                assert tap.queries[0].shape == (2, 2, 9, 4)


def test_layers_and_quantities() -> None:
    model, text = built(dagpam(), layers=3), tokens(2, 9)
    found = {(one.stack, one.quantity): one for one in measure(model, text, rows=2)}
    assert {stack for stack, _ in found} == STACKS.keys() and len(found) == 2 * 4 + 8
    states = [embedded(model, text), *(x for x, _ in run(model, embedded(model, text), Stack()))]
    for quantity, of in (("residual_ratio", residual_ratio), ("token_cosine", token_cosine)):
        one = found["full", quantity]
        assert one.first == 0 and torch.allclose(one.values, torch.stack([of(x) for x in states]))
    for quantity in ("negative_share", "entropy", "jacobian_norm", "branch_distance", "row_sum_error"):
        assert found["full", quantity].values.shape == (3, 2) and found["full", quantity].first == 1
    assert found["full", "row_sum_error"].values.max() < 1e-12
    assert not any(parameter.grad is not None for parameter in model.parameters())


def test_what_some_layers_lack_is_nan_there() -> None:
    model = built(options("attention")["cog"], layers=3)
    found = {one.quantity: one.values for one in measure(model, tokens(2, 9), stacks={"full": Stack()})}
    assert found["negative_share"][:, 0].gt(0).tolist() == [False, True, False]


@pytest.mark.parametrize(("length", "rows", "places"), [(64, 4, [15, 31, 47, 63]), (3, 9, [0, 1, 2]), (9, 1, [8])])
def test_rows_are_spread(length: int, rows: int, places: list[int]) -> None:
    assert spread(length, rows) == places


def test_gradient_norms_are_those_of_autograd_by_name() -> None:
    model = built(dagpam())
    inputs, targets = tokens(3, 9)[:, :-1], tokens(3, 9)[:, 1:]
    found, losses = of_each_sample(model, inputs, targets)
    assert all(parameter.grad is None for parameter in model.parameters())
    for sample in range(3):
        model.zero_grad()
        log_p = model(inputs[sample : sample + 1])[0].log_softmax(-1)
        loss = -log_p.gather(1, targets[sample][:, None]).mean()
        loss.backward()
        assert losses[sample] == pytest.approx(loss.item())
        for layer in range(2):
            whole = dict(model.named_parameters())[f"blocks.{layer}.attention.inputs.weight"].grad
            assert whole is not None
            for part, name in enumerate(("gradient_query", "gradient_key", "gradient_value")):
                norm = whole[8 * part : 8 * (part + 1)].square().sum().sqrt().item()
                assert found[name][layer, sample].item() == pytest.approx(norm)
                assert gradient_norms(model)[name][layer] == pytest.approx(norm)


def collapse(rule: dict[str, Any], stack: str, *, causal: bool, layer: int) -> tuple[float, float]:
    """Residual ratio and token cosine after some of 15 layers of N(0, 1 / width) matrices: 64 tokens of width 64."""
    model = (
        decoder(rule, width=64, heads=4, layers=15, context=64, seed=1, feed_forward=8, positions="learned")
        .double()
        .eval()
    )
    draw = torch.Generator().manual_seed(1)
    for block in model.blocks:
        for linear in (block.attention.inputs, block.attention.output):  # type: ignore[union-attr]
            torch.nn.init.normal_(linear.weight, std=64**-0.5, generator=draw)  # type: ignore[arg-type]
    x = torch.randn(2, 64, 64, generator=draw, dtype=torch.float64)
    with torch.no_grad():
        outputs = [y for y, _ in run(model, x, STACKS[stack], causal=causal)]
    y = outputs[layer - 1]
    return residual_ratio(y).mean().item(), token_cosine(y).mean().item()


def test_without_skips_a_softmax_collapses_and_daGPAM_does_less() -> None:  # noqa: N802
    plain, _ = collapse(SOFTMAX, "attention_only", causal=False, layer=5)
    half, _ = collapse(dagpam(lambda_init=0.5), "attention_only", causal=False, layer=5)
    whole, _ = collapse(dagpam(), "attention_only", causal=False, layer=5)
    assert plain < 1e-6 and plain < half < whole
    assert 0 < collapse(SOFTMAX, "attention_only", causal=True, layer=15)[0] < 0.1


@pytest.mark.parametrize("causal", [False, True])
def test_with_skips_daGPAM_keeps_tokens_apart(causal: bool) -> None:  # noqa: N802
    plain, whole = (collapse(rule, "no_feed_forward", causal=causal, layer=15) for rule in (SOFTMAX, dagpam()))
    assert whole[0] > 1.05 * plain[0] and whole[1] < 0.9 * plain[1]


def test_rows_that_sum_to_nothing_leave_the_first_token_out() -> None:
    with pytest.warns(UserWarning, match="rows sum to 0"):
        rule = dagpam(lambda_mode="scaled_affine", lambda_init=0.0, lambda_negative_init=1.0)
        model = decoder(rule, seed=1, bias=False).double().eval()
    for one in measure(model, tokens(2, 9), rows=9):
        assert one.values.isfinite().all(), (one.stack, one.quantity)
    assert math.isfinite(collapse(rule, "attention_only", causal=True, layer=15)[1])

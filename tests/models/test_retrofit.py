"""A mechanism in a pretrained decoder: begins as the model was, to the bit, and computes what its formula says."""

import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from retrofits import read, retrofit, shaken
from tiny import dagpam, options
from tiny_models import FAMILIES, family, make, texts
from torch import Tensor, nn

from reattend.menus import menu
from reattend.models import MECHANISM, size
from reattend.settings import SettingError

STARTS = {name: options("identity")[f"pretrained_{name}"] for name in ("dagpam", "value_skip", "shaped")}
AS_SOFTMAX = {name: options("attention")[name] | STARTS.get(name, {}) for name in menu("attention")}
DAGPAM = dagpam(lambda_init=0.0)
REFUSED = {"gemma2": "its attention takes softcap", "opt": "its logits are scaled by 1, not 1 / sqrt(8)"}


@pytest.mark.parametrize("name", [name for name in FAMILIES if name not in REFUSED])
def test_begins_as_the_pretrained_model_to_the_bit(name: str) -> None:
    kind, changes = FAMILIES[name]
    pretrained = make(kind, **changes)
    model = retrofit(pretrained, DAGPAM)
    model.refuse_other_start(pretrained)
    logits = pretrained(input_ids=texts()).logits
    assert torch.equal(model(texts()), logits)
    added = sum(parameter.numel() for parameter in model.new_parameters())
    assert size(model) == size(pretrained) + added and added > 0
    with torch.no_grad():
        model.mechanisms[0].raw_positive.fill_(0.5)
    assert not torch.allclose(model(texts()), logits)  # the branch is there


@pytest.mark.parametrize("name", REFUSED)
def test_a_model_whose_attention_is_another_is_refused(name: str) -> None:
    with pytest.raises(SettingError, match=r"lm=\w+: expected a decoder whose attention .* is none, as ") as refused:
        retrofit(family(name, torch.float32)[0], DAGPAM)
    assert REFUSED[name] in str(refused.value)


def test_a_model_that_has_mechanisms_gets_no_others() -> None:
    with pytest.raises(SettingError, match="it has mechanisms in its layers"):
        retrofit(retrofit(make("Llama"), DAGPAM).lm, DAGPAM)


def test_layers_without_positions_are_refused() -> None:
    pretrained = make("SmolLM3", no_rope_layers=[1, 0])
    with pytest.raises(SettingError, match="its positions turn queries in a way of their own"):
        retrofit(pretrained, DAGPAM).refuse_other_start(pretrained)


def test_positions_that_a_layer_is_not_told_of_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    pretrained = make("GPT2")
    module = sys.modules[type(pretrained).__module__]
    monkeypatch.setattr(module, "apply_rotary_pos_emb", lambda *given: given, raising=False)
    with pytest.raises(SettingError, match="how its positions turn queries is not known"):
        retrofit(pretrained, DAGPAM).refuse_other_start(pretrained)


@pytest.mark.parametrize("name", menu("attention"))
def test_a_mechanism_that_does_not_begin_as_softmax_is_refused(name: str) -> None:
    """Which ones do is no list: outputs on random numbers decide."""
    pretrained = make("Llama")
    try:
        retrofit(pretrained, AS_SOFTMAX[name]).refuse_other_start(pretrained)
        began = True
    except SettingError as refused:
        began = False
        assert str(refused).startswith(f"attention={name}: expected a mechanism")
    assert began == (name in {"softmax", "softmax_linear", "attn_scale", "cog", *STARTS})


@pytest.mark.parametrize("changes", [{"lambda_init": 0.3}, {"negative_key": "per_head"}])
def test_a_setting_that_does_not_fit_is_one_message(changes: dict[str, Any]) -> None:
    pretrained = make("Llama")  # 4 query heads, 2 key heads
    with pytest.raises(
        SettingError, match=r"attention=dagpam: expected a mechanism (that begins as softmax|for 4 query)"
    ):
        retrofit(pretrained, DAGPAM | changes).refuse_other_start(pretrained)


def test_more_positions_than_the_model_has_are_refused() -> None:
    with pytest.raises(SettingError, match=r"data\.context=65: expected at most 64, the positions"):
        retrofit(make("Llama"), DAGPAM, context=65)


def _heads(x: Tensor, width: int) -> Tensor:
    return x.unflatten(-1, (-1, width)).transpose(1, 2)


def _llama(layer: nn.Module, x: Tensor) -> Iterator[Tensor]:
    for which in "qkv":
        y = _heads(getattr(layer, f"{which}_proj")(x), layer.head_dim)
        norm = getattr(layer, f"{which}_norm", None)
        yield y if norm is None else norm(y)


def _gpt2(layer: nn.Module, x: Tensor) -> Iterator[Tensor]:
    return (_heads(y, layer.head_dim) for y in layer.c_attn(x).chunk(3, dim=-1))


def _neox(layer: nn.Module, x: Tensor) -> Iterator[Tensor]:
    mixed = layer.query_key_value(x)
    return iter(_heads(mixed, 3 * layer.head_size).chunk(3, dim=-1))


def _rotated(x: Tensor, turned: int) -> Tensor:
    """The first `turned` numbers of a head as complex ones, in halves, times e^(i t / 10000^(2 j / turned))."""
    half = turned // 2
    angles = torch.arange(x.shape[2])[:, None] / 10000 ** (torch.arange(half).double() / half)  # [T, half]
    turns = torch.polar(torch.ones_like(angles), angles)
    y = torch.complex(x[..., :half], x[..., half:turned]) * turns
    return torch.cat([y.real, y.imag, x[..., turned:]], dim=-1)


def _softmax(q: Tensor, k: Tensor) -> Tensor:
    logits = q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5
    hidden = torch.arange(q.shape[2])[:, None] < torch.arange(k.shape[2])
    return logits.masked_fill(hidden, -torch.inf).softmax(-1)


@pytest.mark.parametrize(
    ("kind", "project", "turned", "changes"),
    [
        ("Llama", _llama, 8, {}),  # 4 query heads of 8 numbers, 2 key heads
        ("Qwen3", _llama, 8, {"head_dim": 8}),  # queries and keys are normed before positions
        ("GPT2", _gpt2, 0, {}),
        ("GPTNeoX", _neox, 2, {}),  # a quarter of each head is turned
    ],
)
@pytest.mark.parametrize("negative_key", ["none", "head_shared"])
def test_a_layer_computes_the_formula(
    kind: str, project: Callable[..., Iterator[Tensor]], turned: int, changes: dict[str, Any], negative_key: str
) -> None:
    model = shaken(kind, DAGPAM | {"negative_key": negative_key}, **changes)
    layer, seen = model.sites[-1].layer, {}
    output = next(m for name, m in layer.named_children() if name in ("o_proj", "c_proj", "dense"))
    layer.register_forward_pre_hook(
        lambda _, args, kwargs: seen.update(x=args[0] if args else kwargs["hidden_states"]), with_kwargs=True
    )
    output.register_forward_pre_hook(lambda _, args: seen.update(y=args[0]))
    with torch.no_grad():
        model(texts())
        q, k, v = project(layer, seen["x"])
        k, v = (t.repeat_interleave(q.shape[1] // t.shape[1], dim=1) for t in (k, v))
        own = layer.mechanism
        minus = torch.relu(q) @ own.query_maps[0].weight[0] + own.query_maps[0].bias[0]
        key = k if own.key_map is None else k @ own.key_map.weight[0] + own.key_map.bias[0]
        q, k, minus, key = (_rotated(t, turned) for t in (q, k, minus, key))
        share = own.raw_positive.item()
        weights = (1 + share) * _softmax(q, k) - share * _softmax(minus, key)
        expected = (weights @ v).transpose(1, 2).flatten(2)
    torch.testing.assert_close(seen["y"].view_as(expected), expected, rtol=0, atol=2e-6)  # angles are in float32


def test_a_sliding_window_hides_from_both_branches() -> None:
    model, tokens = shaken("Mistral", DAGPAM, sliding_window=4, num_hidden_layers=1), texts(rows=1)
    logits = model(tokens)
    tokens[0, 3] = tokens[0, 3] % 60 + 1  # the fourth token is another one
    changed = (model(tokens) - logits).abs().amax(-1)[0]
    assert changed[:3].max() == 0 and changed[3:7].min() > 1e-9 and changed[7:].max() == 0


def test_computing_activations_again_changes_no_gradient() -> None:
    grads = []
    for again in (False, True):
        model = retrofit(make("Llama"), dagpam(lambda_init=0.5), gradient_checkpointing=again).train()
        model.loss(texts(), texts())[0].backward()
        grads.append({name: parameter.grad for name, parameter in model.named_parameters()})
    assert all(torch.equal(grad, grads[1][name]) for name, grad in grads[0].items())
    assert any(MECHANISM in name and grad.abs().max() > 0 for name, grad in grads[0].items())


def test_the_loss_is_that_of_transformers() -> None:
    pretrained, tokens = family("llama", torch.float32)[0], texts()
    nats, count = retrofit(pretrained, DAGPAM).loss(tokens[:, :-1], tokens[:, 1:])
    theirs = pretrained(input_ids=tokens, labels=tokens).loss
    torch.testing.assert_close(nats / count, theirs, rtol=1e-6, atol=0)


def test_one_lambda_for_the_model_is_one_parameter() -> None:
    model = retrofit(make("Llama"), DAGPAM | {"lambda_scope": "model"})
    model.loss(texts(), texts())[0].backward()
    scalars = {id(mechanism.raw_positive) for mechanism in model.mechanisms}
    assert len(scalars) == 1 and model.learned()["lambda_positive"] == [[0.0], [0.0]]


def test_the_same_seed_draws_the_same_new_weights() -> None:
    one, other = (retrofit(make(kind), DAGPAM) for kind in ("Llama", "Phi"))
    assert all(map(torch.equal, one.new_parameters(), other.new_parameters()))


def test_generation_goes_on_from_any_cache() -> None:
    model = shaken("Llama", DAGPAM)
    whole = read(model.lm, texts())
    first = model.lm(input_ids=texts()[:, :20])
    rest = read(model.lm, texts()[:, 20:], past_key_values=first.past_key_values)
    torch.testing.assert_close(rest, whole[:, 20:])
    model = shaken("Llama", DAGPAM | {"negative_key": "head_shared"})
    first = model.lm(input_ids=texts()[:, :20])
    with pytest.raises(SettingError, match="past_key_values=a plain cache: expected a PolicyCache"):
        read(model.lm, texts()[:, 20:], past_key_values=first.past_key_values)

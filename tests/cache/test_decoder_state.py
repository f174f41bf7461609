"""The project's own decoder under every policy, and daGPAM's negative scores in the ranking of entries."""

import naive_policies
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from one_layer import BOUNDED, NAMES, RANKED, kept, pieces, policy
from tiny import HEADS, dagpam, decoder, mechanism, options, qkv, shake

from reattend.attention.softmax import Softmax
from reattend.cache import build_policy
from reattend.settings import SettingError

TOKENS = 20
TEXT = torch.randint(11, (2, TOKENS), generator=torch.Generator().manual_seed(0))
RANKINGS = ["absolute", "positive", "sum"]


def shaken(attention, **sizes):
    model = decoder(attention, **sizes).double()
    shake(model)
    return model


def ranked(attention, name):
    """Whether a policy can go with a mechanism: one that ranks entries needs softmaxes (see below)."""
    return name not in RANKED or mechanism(attention).mixture() is not None


@torch.no_grad()
def read(model, config, split):
    state = build_policy(config).state(layers=len(model.blocks))
    logits = torch.cat([model(piece, state=state) for piece in TEXT.split(split, dim=1)], dim=1)
    assert state.seen == TOKENS
    return logits, [kept(layer) for layer in state.layers]


@pytest.mark.parametrize("positions", ["learned", "rotary"])
@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=3)
@given(split=pieces(TOKENS), rank_by=st.sampled_from(RANKINGS))
def test_any_split_of_a_text_equals_one_pass(unlike, name, positions, split, rank_by):
    if not ranked(unlike, name):
        return
    model, config = shaken(unlike, positions=positions), policy(name, size=5, rank_by=rank_by)
    logits, state = read(model, config, [TOKENS])
    others, other_state = read(model, config, split)
    torch.testing.assert_close(others, logits)
    assert other_state == state


@pytest.mark.parametrize("name", NAMES)
def test_a_size_of_the_text_is_the_plain_forward_pass(unlike, name):
    if not ranked(unlike, name):
        return
    model = shaken(unlike)
    with torch.no_grad():
        plain = model(TEXT)
    for split in ([TOKENS], [1] * TOKENS, [9, TOKENS - 9]):
        torch.testing.assert_close(read(model, policy(name, size=TOKENS), split)[0], plain)
    if name in BOUNDED:
        assert (read(model, policy(name, size=5), [TOKENS])[0] - plain).abs().max() > 1e-3


@pytest.mark.parametrize("rank_by", RANKINGS)
@pytest.mark.parametrize("name", RANKED)
@pytest.mark.parametrize(("negative_key", "scope"), [("none", "head"), ("per_head", "layer")])
@torch.no_grad()
def test_dagpam_equals_the_naive_loop(name, rank_by, scope, negative_key):
    """Its two branches are two softmaxes over one set of entries, kept with a second key where it has one."""
    built = mechanism(dagpam(negative_key=negative_key, lambda_scope="head"))
    q, k, v = qkv(queries=TOKENS, keys=TOKENS, batch=1)
    queries, keys = built.branches(q, k)
    config = policy(name, size=5, rank_by=rank_by, scope=scope)
    wanted, wanted_kept = naive_policies.read(
        config, [t[0] for t in queries], [t[0] for t in keys], v[0], mixture=built.mixture()
    )
    for split in ([TOKENS], [6, 1, TOKENS - 7]):
        state, outputs = build_policy(config).layer_state(0), []
        for part in torch.arange(TOKENS).split(split):
            now = (tuple(t[:, :, part] for t in branches) for branches in (queries, keys, (v,)))
            queries_now, keys_now, (v_now,) = now
            outputs.append(state.attend(built, queries_now, keys_now, v_now))
            assert kept(state) == [wanted_kept[part[-1]]]
        torch.testing.assert_close(torch.cat(outputs, dim=2)[0], torch.from_numpy(wanted))


@pytest.mark.parametrize("name", ["tova", "h2o", "decayed_sum"])
def test_what_ranks_matters_to_dagpam_and_not_to_softmax(name):
    chosen = {}
    for attention in ("softmax", "dagpam"):
        model = shaken(options("attention")[attention])
        chosen[attention] = [read(model, policy(name, size=5, rank_by=r, decay=0.3), [TOKENS])[1] for r in RANKINGS]
    assert all(state == chosen["softmax"][0] for state in chosen["softmax"])
    first, second, third = chosen["dagpam"]
    assert first != second != third != first


class Other(Softmax):
    """Scores that are no mixture of softmaxes."""

    def mixture(self):
        return None


@pytest.mark.parametrize("name", NAMES)
@torch.no_grad()
def test_scores_that_are_no_softmaxes_cannot_be_ranked_but_go_with_positions(name):
    built = Other(heads=HEADS, head_width=4)
    q, k, v = qkv(queries=TOKENS, keys=TOKENS)
    state = build_policy(policy(name, size=5)).layer_state(0)
    if name in RANKED:
        with pytest.raises(
            SettingError, match=f"policy={name}: expected a mechanism whose scores are softmaxes; Other is not"
        ):
            state.attend(built, (q,), (k,), v)
    else:
        usual = build_policy(policy(name, size=5)).layer_state(0)
        wanted = usual.attend(Softmax(heads=HEADS, head_width=4), (q,), (k,), v)
        assert torch.equal(state.attend(built, (q,), (k,), v), wanted)


class Scaled(Softmax):
    """One softmax whose rows add up to 0.5 and 2: a mixture of one branch is not always 1."""

    def forward(self, queries, keys, v, *, causal, mask=None):
        return self.mixture()[0, :, None, None] * super().forward(queries, keys, v, causal=causal, mask=mask)

    def mixture(self):
        return torch.tensor([[0.5, 2.0]], dtype=torch.float64)


@pytest.mark.parametrize("name", RANKED)
@torch.no_grad()
def test_a_single_branch_may_have_a_factor(name):
    built = Scaled(heads=HEADS, head_width=4)
    q, k, v = qkv(queries=TOKENS, keys=TOKENS)
    for size in (TOKENS, 5):
        config = policy(name, size=size)
        state = build_policy(config).layer_state(0)
        y = state.attend(built, (q,), (k,), v)
        for row in range(2):
            wanted, wanted_kept = naive_policies.read(config, [q[row]], [k[row]], v[row], mixture=built.mixture())
            torch.testing.assert_close(y[row], torch.from_numpy(wanted))
            assert kept(state)[row] == wanted_kept[-1]


def test_states_of_layers_do_not_share_entries():
    model = shaken(options("attention")["softmax"])
    _, (first, second) = read(model, policy("tova", size=5), [TOKENS])
    assert first != second

"""What the papers say of the policies: who is attended, who leaves, and which policies coincide (arXiv 2401.06104).

A value that says where it is from makes the outputs the attention weights themselves: see `attended`.
"""

import pytest
import torch
from one_layer import BOUNDED, NAMES, RANKED, attended, policy, random_input, read
from tiny import options

from reattend.cache import build_policy

TOKENS = 30
EXACT = [name for name in BOUNDED if name != "truncate"]  # they drop one entry a step


def seen(config, **how):
    """Which positions every query attended, [H, T, T]."""
    return attended(config, random_input(tokens=TOKENS, **how))[0] > 0


@pytest.mark.parametrize("name", NAMES)
def test_every_policy_file_builds_under_its_name(name):
    config = options("policy")[name]
    assert config["name"] == name
    built = build_policy(config)
    assert type(built).__module__ == f"reattend.cache.{name}"
    state = built.state(layers=3)
    assert (len(state.layers), state.seen) == (3, 0)


@pytest.mark.parametrize("size", [TOKENS, TOKENS + 1, 10 * TOKENS])
@pytest.mark.parametrize("name", BOUNDED)
def test_a_size_of_the_text_or_more_is_full_attention(name, size):
    inputs = random_input(tokens=TOKENS, batch=2)
    for split in ([TOKENS], [1] * TOKENS, [13, 17]):
        y, kept = read(policy(name, size=size), inputs, split)
        wanted, _ = read(options("policy")["full"], inputs, split)
        torch.testing.assert_close(y, wanted)
        everything = [] if name == "truncate" and size == TOKENS else list(range(TOKENS))
        assert all(lane == everything for row in kept[-1] for lane in row)


@pytest.mark.parametrize("scope", ["layer", "head"])
@pytest.mark.parametrize("size", [1, 2, 7])
@pytest.mark.parametrize("name", EXACT)
def test_a_query_attends_to_the_size_and_itself_so_the_mean_residence_is_the_papers(name, size, scope):
    """sum_t min(t, k + 1) / T steps: 249 of 4,096 for k = 256 in the paper's Table 2."""
    looks = seen(policy(name, size=size, scope=scope, first=min(size - 1, 2)))
    steps = torch.arange(1, TOKENS + 1)
    assert torch.equal(looks.sum(dim=-1), steps.clamp(max=size + 1).expand(4, -1))
    residence = looks.sum(dim=(-2, -1)) / TOKENS
    assert torch.equal(residence, torch.full((4,), sum(min(t, size + 1) for t in range(1, TOKENS + 1)) / TOKENS))


def test_mean_residence_of_the_papers_table():
    """By the positions that Window sees; T = 4,096."""
    step, position = torch.arange(4096)[:, None], torch.arange(4096)
    for size, published in ((256, 249), (1024, 897), (2048, 1537)):
        looks = build_policy(policy("window", size=size)).sees(step, position) & (position <= step)
        assert round(looks.sum().item() / 4096) == published


@pytest.mark.parametrize("name", EXACT)
def test_an_entry_that_has_left_does_not_come_back(name):
    for prefill in ("exact", "trim"):
        looks = seen(policy(name, size=5, prefill=prefill, scope="head"))
        new = torch.eye(TOKENS, dtype=torch.bool)
        assert not (looks[:, 1:] & ~looks[:, :-1] & ~new[1:]).any()
        assert looks.diagonal(dim1=-2, dim2=-1).all()


@pytest.mark.parametrize("name", RANKED)
def test_weights_are_a_softmax_over_what_is_kept(name):
    inputs = random_input(tokens=TOKENS)
    q, k, _ = inputs
    logits = q @ k.repeat_interleave(2, dim=1).mT / q.shape[-1] ** 0.5
    weights = attended(policy(name, size=6), inputs)
    torch.testing.assert_close(weights, logits.masked_fill(weights == 0, -torch.inf).softmax(dim=-1))


@pytest.mark.parametrize("size", [1, 4, 9])
def test_window_sinks_and_truncate_see_what_their_formulas_say(size):
    t, j = torch.arange(TOKENS)[:, None], torch.arange(TOKENS)
    formulas = {"window": j >= t - size, "truncate": j >= t // size * size}
    for first in range(size):
        formulas["window_sinks"] = (j < first) | (j >= t - (size - first))
        for name, formula in formulas.items():
            looks = seen(policy(name, size=size, first=first))
            assert torch.equal(looks, (formula & (j <= t)).expand_as(looks))


def test_no_sinks_is_window():
    check_same(policy("window_sinks", size=6, first=0), policy("window", size=6))


@pytest.mark.parametrize("recent", [0, 3])
def test_decayed_sum_ends_in_tova_and_in_h2o(recent):
    for scope in ("layer", "head"):
        shared = {"size": 6, "recent": recent, "scope": scope}
        check_same(policy("decayed_sum", decay=0.0, **shared), policy("tova", **shared))
        check_same(policy("decayed_sum", decay=1.0, **shared), policy("h2o", **shared))


def test_the_defaults_are_the_papers_choices():
    """H2O: half recent, a set for each head. TOVA: a set for the layer, nothing protected. Window+4."""
    check_same(policy("h2o", size=6), policy("h2o", size=6, recent=3, heavy=3, scope="head"))
    check_same(policy("h2o", size=7), policy("h2o", size=7, recent=3, heavy=4))
    check_same(policy("tova", size=6), policy("tova", size=6, first=0, recent=0, scope="layer"))
    check_same(policy("window_sinks", size=6), policy("window_sinks", size=6, first=4))


@pytest.mark.parametrize("name", [name for name in RANKED if name != "random"])
def test_protecting_all_as_recent_is_window(name):
    check_same(policy(name, size=6, recent=6), policy("window", size=6))


@pytest.mark.parametrize("name", RANKED)
def test_one_key_head_leaves_nothing_to_the_scope(name):
    inputs = random_input(tokens=TOKENS, kv_heads=1)
    check_same(policy(name, size=6, scope="head"), policy(name, size=6, scope="layer"), inputs)


@pytest.mark.parametrize("name", RANKED)
def test_grouped_queries_are_heads_whose_keys_are_repeated(name):
    q, k, v = random_input(tokens=TOKENS)
    repeated = (q, k.repeat_interleave(2, dim=1), v.repeat_interleave(2, dim=1))
    config = policy(name, size=6, scope="layer")
    grouped, apart = (read(config, inputs, [TOKENS]) for inputs in ((q, k, v), repeated))
    torch.testing.assert_close(grouped, apart)


@pytest.mark.parametrize("name", NAMES)
def test_rows_do_not_mix(name):
    config, inputs, rows = policy(name, size=6), random_input(tokens=TOKENS, batch=4), torch.tensor([2, 0, 3, 1])
    (y, kept), (permuted, permuted_kept) = (
        read(config, given, [TOKENS]) for given in (inputs, tuple(t[rows] for t in inputs))
    )
    torch.testing.assert_close(permuted, y[rows])
    assert permuted_kept[-1] == [kept[-1][row] for row in rows]


@pytest.mark.parametrize("size", [1, 6, 7])
def test_equal_weights_make_tova_a_window_and_h2o_keep_the_first_and_the_last(size):
    """Of equal entries the one with the lowest position leaves; what was there longer has the larger sum."""
    for dtype in (torch.float32, torch.float64):
        q, k, v = (t.to(dtype) for t in random_input(tokens=TOKENS))
        for split in ([TOKENS], [1] * TOKENS, [11, 19]):
            check_same(policy("tova", size=size), policy("window", size=size), (0 * q, k, v), split)
            _, kept = read(policy("h2o", size=size), (0 * q, k, v), split)
            recent = size // 2
            wanted = [*range(size - recent), *range(TOKENS - recent, TOKENS)]
            assert kept[-1] == [[wanted, wanted]]


def check_same(one, other, inputs=None, split=(1,) * TOKENS):
    """Two policies keep the same after each piece and give the same outputs."""
    inputs = random_input(tokens=TOKENS) if inputs is None else inputs
    (y, kept), (wanted, wanted_kept) = (read(config, inputs, split) for config in (one, other))
    torch.testing.assert_close(y, wanted)
    by_head = [[[lanes[g % len(lanes)] for g in range(2)] for lanes in rows] for rows in kept]
    assert by_head == [[[lanes[g % len(lanes)] for g in range(2)] for lanes in rows] for rows in wanted_kept]

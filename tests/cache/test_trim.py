"""prefill=trim, as the papers' public code reads a prompt: it sees all of itself, then one cut by its last token."""

import pytest
import torch
from one_layer import BOUNDED, Reader, attended, blocks_of, policy, random_input, read
from tiny import options

TRIMMED = [name for name in BOUNDED if "prefill" in options("policy")[name]]
FULL = options("policy")["full"]
TOKENS, SIZE = 30, 6


def trimmed(name, **changes):
    return policy(name, size=SIZE, prefill="trim", **changes)


@pytest.mark.parametrize("name", TRIMMED)
def test_a_prompt_sees_all_of_itself(name):
    inputs = random_input(tokens=TOKENS, batch=2)
    with blocks_of(7):
        torch.testing.assert_close(attended(trimmed(name), inputs), attended(FULL, inputs))


@pytest.mark.parametrize("scope", ["layer", "head"])
def test_tova_keeps_what_the_last_token_weighs_most(scope):
    inputs = random_input(tokens=TOKENS)
    _, kept = read(trimmed("tova", scope=scope), inputs, [TOKENS])
    last = attended(FULL, inputs)[0, :, -1]  # [H, T]
    groups = last.view(1 if scope == "layer" else 2, -1, TOKENS).mean(dim=1)  # [L, T]
    assert kept == [[[row.topk(SIZE).indices.sort().values.tolist() for row in groups]]]


def test_h2o_keeps_the_recent_half_and_what_all_tokens_weighed_most():
    inputs = random_input(tokens=TOKENS)
    _, kept = read(trimmed("h2o"), inputs, [TOKENS])
    sums = attended(FULL, inputs)[0].sum(dim=1).view(2, 2, TOKENS).mean(dim=1)[:, : TOKENS - 3]
    recent = list(range(TOKENS - 3, TOKENS))
    assert kept == [[[[*row.topk(3).indices.sort().values.tolist(), *recent] for row in sums]]]


@pytest.mark.parametrize("protected", [{"first": 2, "recent": 3}, {"first": 5}, {"recent": 6}])
def test_the_cut_spares_what_is_protected(protected):
    _, kept = read(trimmed("tova", **protected), random_input(tokens=TOKENS), [TOKENS])
    spared = {*range(protected.get("first", 0)), *range(TOKENS - protected.get("recent", 0), TOKENS)}
    assert spared <= set(kept[0][0][0])
    assert len(kept[0][0][0]) == SIZE


@pytest.mark.parametrize("name", TRIMMED)
def test_one_token_a_call_is_exact(name):
    for scope in ("layer", "head"):
        inputs = random_input(tokens=TOKENS)
        y, kept = read(trimmed(name, scope=scope), inputs, [1] * TOKENS)
        exact, exact_kept = read(policy(name, size=SIZE, scope=scope), inputs, [1] * TOKENS)
        assert torch.equal(y, exact)
        assert kept == exact_kept


@pytest.mark.parametrize("name", TRIMMED)
def test_a_second_piece_sees_what_was_kept_and_all_of_itself(name):
    q, k, _ = random_input(tokens=TOKENS)
    places = torch.eye(TOKENS, dtype=q.dtype).expand(1, 2, -1, -1)
    reader = Reader(trimmed(name))
    weights = reader.read((q, k, places), [20, 10])[0]  # [H, T, T]
    for lane, positions in enumerate(reader.kept[0][0] * (2 // len(reader.kept[0][0]))):
        for t in range(20, TOKENS):
            for h in (2 * lane, 2 * lane + 1):
                assert weights[h, t].nonzero().flatten().tolist() == [*positions, *range(20, t + 1)]
    assert [len(lane) for lane in reader.kept[1][0]] == [SIZE] * len(reader.kept[1][0])


@pytest.mark.parametrize("name", TRIMMED)
def test_blocks_change_nothing(name):
    inputs = random_input(tokens=TOKENS, batch=2)
    wanted, wanted_kept = read(trimmed(name), inputs, [25, 5])
    for length in (1, 4, 25):
        with blocks_of(length):
            y, kept = read(trimmed(name), inputs, [25, 5])
        torch.testing.assert_close(y, wanted)
        assert kept == wanted_kept

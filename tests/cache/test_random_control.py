"""The random control: of the entries that may leave each is as likely to, and its own settings alone decide."""

import pytest
import torch
from one_layer import attended, policy, random_input, read

TOKENS = 1600
SIZE = 7


def leavers(*, layer=0, seed=0, kv_heads=1, **changes):
    """[H, steps]: which entry left at each step, by its place among those that were there."""
    q, k, v = random_input(tokens=TOKENS, heads=kv_heads, kv_heads=kv_heads, width=1, seed=seed)
    looks = attended(policy("random", size=SIZE, **changes), (0 * q, k, v), layer=layer)[0] > 0  # [H, T, T]
    gone = looks[:, SIZE:-1] & ~looks[:, SIZE + 1 :]
    assert (gone.sum(dim=-1) == 1).all()
    places = looks[:, SIZE:-1].cumsum(dim=-1) - 1
    return places[gone].view(kv_heads, -1)


def chi_square(places, cells):
    expected = len(places) / cells
    return ((torch.bincount(places, minlength=cells) - expected).square() / expected).sum()


@pytest.mark.parametrize("draw", [0, 1, 2**31 - 1])
@pytest.mark.parametrize("layer", [0, 5])
def test_each_entry_is_as_likely_to_leave(draw, layer):
    """8 entries: 24.3 is exceeded once in 1,000 times."""
    assert chi_square(leavers(draw=draw, layer=layer)[0], SIZE + 1) < 24.3


def test_following_steps_are_independent():
    """The 64 pairs of one leaver and the next: 103.4 is exceeded once in 1,000 times."""
    (places,) = leavers()
    assert chi_square(places[:-1] * (SIZE + 1) + places[1:], (SIZE + 1) ** 2) < 103.4


def test_protected_entries_stay_and_the_others_are_as_likely():
    """2 first and 3 recent ones are protected: 3 of 8 may leave, for which 13.8 is exceeded once in 1,000 times."""
    places = leavers(first=2, recent=3)[0]
    assert set(places.tolist()) == {2, 3, 4}
    assert chi_square(places - 2, 3) < 13.8


def test_draws_layers_and_heads_differ_but_not_texts_or_seeds_of_torch():
    usual = leavers()
    torch.manual_seed(1)
    assert torch.equal(leavers(seed=1), usual)
    for other in (leavers(draw=1), leavers(layer=1)):
        assert (other != usual).float().mean() > 0.7
    first, second = leavers(kv_heads=2, scope="head")
    assert (first != second).float().mean() > 0.7


def test_heads_of_a_layer_agree_unless_each_decides_alone():
    first, second = leavers(kv_heads=2, scope="layer")
    assert torch.equal(first, second)


def test_weights_do_not_matter():
    q, k, v = random_input(tokens=40)
    _, kept = read(policy("random", size=SIZE), (q, k, v), [1] * 40)
    assert read(policy("random", size=SIZE), (-3 * q, k, v), [1] * 40)[1] == kept

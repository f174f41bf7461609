"""Batches: nothing scored twice or left out, and a training order that can be repeated and resumed."""

from collections import Counter
from itertools import islice

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from reattend.data.batches import IGNORED, Batch, EvaluationBatches, TrainingBatches
from reattend.settings import SettingError

SIZES = {"length": st.integers(2, 400), "context": st.integers(1, 40), "batch_size": st.integers(1, 7)}


def _numbered(length: int) -> np.ndarray:
    """Tokens that tell their own position: token i is i."""
    return np.arange(length, dtype=np.int64)


def _scored(batches: EvaluationBatches) -> list[int]:
    return [int(t) for _, targets in batches for t in targets.flatten() if t != IGNORED]


@given(**SIZES)
def test_evaluation_scores_every_token_but_the_first_once(length: int, context: int, batch_size: int) -> None:
    batches = EvaluationBatches(_numbered(length), context=context, batch_size=batch_size)
    assert _scored(batches) == list(range(1, length))
    assert batches.targets == length - 1
    assert len(list(batches)) == len(batches)


@given(**SIZES, stride=st.integers(1, 40))
def test_sliding_windows_score_every_token_once_after_enough_others(
    length: int, context: int, batch_size: int, stride: int
) -> None:
    stride = min(stride, context)
    batches = EvaluationBatches(_numbered(length), context=context, batch_size=batch_size, stride=stride)
    assert _scored(batches) == list(range(1, length)) and batches.targets == length - 1
    for inputs, targets in batches:
        for row, aims in zip(inputs, targets, strict=True):
            before = (aims != IGNORED).nonzero().flatten()  # of each scored token how many precede its input
            assert row[0] == 0 or (before >= context - stride).all()


@given(**SIZES, stride=st.integers(1, 40), limit=st.integers(1, 500))
def test_a_limit_keeps_sliding_windows_apart(
    length: int, context: int, batch_size: int, stride: int, limit: int
) -> None:
    stride = min(stride, context)
    batches = EvaluationBatches(_numbered(length), context=context, batch_size=batch_size, stride=stride, limit=limit)
    scored = _scored(batches)
    assert len(scored) == len(set(scored)) == batches.targets
    assert len(scored) <= max(limit, stride) or length - 1 < context + stride


@given(**SIZES)
def test_evaluation_gives_each_target_the_token_before_it(length: int, context: int, batch_size: int) -> None:
    for inputs, targets in EvaluationBatches(_numbered(length), context=context, batch_size=batch_size):
        assert inputs.shape == targets.shape and inputs.shape[1] == context
        assert inputs.dtype == targets.dtype == torch.int64
        kept = targets != IGNORED
        assert torch.equal(inputs[kept] + 1, targets[kept])


@given(**SIZES, blocks=st.integers(1, 12), rest=st.integers(0, 39))
def test_a_limit_keeps_whole_blocks_spread_over_the_split(
    length: int, context: int, batch_size: int, blocks: int, rest: int
) -> None:
    limit = blocks * context + rest % context
    batches = EvaluationBatches(_numbered(length), context=context, batch_size=batch_size, limit=limit)
    scored = _scored(batches)
    assert len(scored) == len(set(scored)) == batches.targets <= limit
    assert scored == _scored(batches) == sorted(scored)
    if limit < length - 1:
        assert len(scored) == blocks * context
        gaps = np.diff(scored[::context])
        assert gaps.size == 0 or gaps.max() - gaps.min() <= context  # evenly, to a block
        assert length - 1 - scored[-1] <= (length - 1) / blocks + context  # and to the end
    else:
        assert len(scored) == length - 1


def _training(length: int, context: int, batch_size: int, seed: int) -> TrainingBatches:
    """Batches of a text that is long enough for at least one of them."""
    tokens = _numbered(length + context * (batch_size + 1))
    return TrainingBatches(tokens, context=context, batch_size=batch_size, seed=seed)


def _same(ones: list[Batch], others: list[Batch]) -> bool:
    pairs = zip(ones, others, strict=True)
    return all(torch.equal(a, c) and torch.equal(b, d) for (a, b), (c, d) in pairs)


@given(**SIZES, seed=st.integers(0, 5))
def test_training_shows_each_token_at_most_once_an_epoch(length: int, context: int, batch_size: int, seed: int) -> None:
    batches = _training(length, context, batch_size, seed)
    epoch = list(batches)
    assert len(epoch) == len(batches) >= 1
    shown: Counter[int] = Counter()
    for inputs, targets in epoch:
        assert inputs.shape == targets.shape == (batch_size, context)
        assert torch.equal(inputs + 1, targets)
        shown.update(targets.flatten().tolist())
    assert max(shown.values()) == 1
    # what an epoch leaves out: less than a batch of blocks, and less than a block at either end of the text
    assert len(batches.tokens) - sum(shown.values()) < (batch_size + 2) * context


@given(**SIZES, seed=st.integers(0, 5), epoch=st.integers(0, 3))
def test_training_order_depends_on_seed_and_epoch_alone(
    length: int, context: int, batch_size: int, seed: int, epoch: int
) -> None:
    walked = _training(length, context, batch_size, seed)
    for _ in range(epoch):
        list(walked)
        torch.rand(3)  # other draws change nothing
    placed = _training(length, context, batch_size, seed)
    placed.load_state_dict({"epoch": epoch, "taken": 0})
    assert _same(list(walked), list(placed))


@given(**SIZES, seed=st.integers(0, 5), cut=st.integers(0, 60))
def test_training_resumed_anywhere_continues_as_if_never_stopped(
    length: int, context: int, batch_size: int, seed: int, cut: int
) -> None:
    def stream(batches: TrainingBatches, count: int) -> list[Batch]:
        found: list[Batch] = []
        while len(found) < count:
            # as Lightning does: an iterator is never drained past the last batch of the epoch
            left = len(batches) - batches.taken or len(batches)
            found += islice(batches, min(left, count - len(found)))
        return found

    stopped = _training(length, context, batch_size, seed)
    whole = stream(_training(length, context, batch_size, seed), cut + 9)
    head = stream(stopped, cut)
    resumed = _training(length, context, batch_size, seed)
    resumed.load_state_dict(stopped.state_dict())
    assert _same(head + stream(resumed, 9), whole)


@pytest.mark.parametrize("seed", [0, 1])
def test_epochs_and_seeds_differ(seed: int) -> None:
    batches = _training(4000, 16, 4, seed)
    first, second = list(batches), list(batches)
    assert not _same(first, second)
    assert not _same(first, list(_training(4000, 16, 4, seed + 1)))
    assert {int(i[0, 0]) % 16 for i, _ in first} != {int(i[0, 0]) % 16 for i, _ in second}  # another offset


def test_a_text_that_fills_no_batch_is_refused() -> None:
    with pytest.raises(SettingError, match=r"data\.batch_size=9: expected at most 8, the blocks of 10 tokens"):
        TrainingBatches(_numbered(99), context=10, batch_size=9, seed=0)
    with pytest.raises(SettingError, match="seed=-1"):
        TrainingBatches(_numbered(99), context=10, batch_size=1, seed=-1)

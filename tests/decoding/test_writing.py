"""Texts continued side by side: each as alone, ended where it ends, drawn from the probabilities that are asked."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from tiny import options, policy
from tiny_models import family, texts
from torch import Tensor

from reattend.cache import build_policy
from reattend.decoding.writing import Choice, Written, write
from reattend.models.reading import Reading, begin

NAMES = sorted(options("policy"))
LENGTHS = (9, 4, 6)
LONGEST = 12
GREEDY = Choice()


def prompts() -> list[Tensor]:
    return [row[:length] for row, length in zip(texts(rows=3, tokens=max(LENGTHS)), LENGTHS, strict=True)]


def read(config: dict[str, Any], given: list[Tensor]) -> tuple[Reading, Tensor]:
    reading = begin(SimpleNamespace(model=family("llama")[0]), build_policy(config))  # type: ignore[arg-type]
    longest = max(map(len, given))
    rows = [torch.cat([torch.zeros(longest - len(part), dtype=torch.int64), part]) for part in given]
    real = torch.arange(longest) >= longest - torch.tensor([len(part) for part in given])[:, None]
    return reading, reading.read(torch.stack(rows), real=real)[:, -1]


def by_hand(config: dict[str, Any], prompt: Tensor, ends: set[int]) -> tuple[list[int], bool, float]:
    """Each token of a pass over all tokens so far."""
    written: list[int] = []
    total = 0.0
    while len(written) < LONGEST:
        reading = begin(SimpleNamespace(model=family("llama")[0]), build_policy(config))  # type: ignore[arg-type]
        tokens = torch.cat([prompt, torch.tensor(written, dtype=torch.int64)])
        scores = reading.read(tokens[None])[0, -1].log_softmax(dim=-1)
        token = int(scores.argmax())
        total += float(scores[token])
        if token in ends:
            return written, True, total
        written.append(token)
    return written, False, total


@pytest.mark.parametrize("name", NAMES)
def test_rows_are_written_as_alone_and_end_by_themselves(name: str) -> None:
    config = policy(name, size=6)
    free = [by_hand(config, prompt, set())[0] for prompt in prompts()]
    ends = {free[0][3], free[2][7]}
    wanted = [by_hand(config, prompt, ends) for prompt in prompts()]
    assert len({len(tokens) for tokens, *_ in wanted}) > 1 and any(ended for _, ended, _ in wanted)
    steps: list[int] = []
    found = write(*read(config, prompts()), longest=LONGEST, ends=ends, choice=GREEDY, tell=steps.append)
    assert [(row.tokens, row.ended) for row in found] == [(tokens, ended) for tokens, ended, _ in wanted]
    assert [row.log_p for row in found] == pytest.approx([total for *_, total in wanted], abs=1e-4)
    last = max(len(row.tokens) + row.ended for row in found)
    assert steps == list(range(1, last + 1))


def test_nothing_is_written_where_nothing_may_be() -> None:
    assert write(*read(policy("full"), prompts()), longest=0, ends=(), choice=GREEDY) == [Written([], False, 0.0)] * 3


def streams(*seeds: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def test_a_drawn_text_does_not_depend_on_its_company() -> None:
    config, choice = policy("tova", size=6), Choice(temperature=1.3, top_p=0.9)
    how: dict[str, Any] = {"longest": LONGEST, "ends": {5, 17}, "choice": choice}
    together = write(*read(config, prompts()), streams=streams(1, 2, 3), **how)
    assert len({tuple(row.tokens) for row in together}) == 3
    for row, prompt in enumerate(prompts()):
        (alone,) = write(*read(config, [prompt]), streams=streams(row + 1), **how)
        assert (alone.tokens, alone.ended) == (together[row].tokens, together[row].ended)
    again = write(*read(config, prompts()), streams=streams(1, 2, 4), **how)
    assert again[:2] == together[:2] and again[2] != together[2]


def test_probabilities_of_drawn_tokens_are_the_models_own() -> None:
    config = policy("h2o", size=6)
    (row,) = write(*read(config, prompts()[:1]), longest=6, ends=(), choice=Choice(temperature=2.0), streams=streams(7))
    reading, _ = read(config, [prompts()[0][:1]])
    tokens = torch.cat([prompts()[0][1:], torch.tensor(row.tokens)])
    scores = reading.read(tokens[None])[0].log_softmax(dim=-1)[-7:-1]
    assert row.log_p == pytest.approx(float(scores.gather(1, torch.tensor(row.tokens)[:, None]).sum()), abs=1e-4)


def test_nearly_equal_probabilities_draw_nearly_always_the_same() -> None:
    p = torch.rand(50, generator=torch.Generator().manual_seed(3)).double() + 0.5  # many of about the same
    q = (p.log() + 0.02 * torch.randn(50, generator=torch.Generator().manual_seed(4))).exp()
    p, q = p / p.sum(), q / q.sum()
    far = float((p - q).abs().sum() / 2)
    draw, count = Choice(temperature=1.0), 4000
    one, other = (torch.cat([draw(x.log()[None], streams(seed)) for seed in range(count)]) for x in (p, q))
    differ, most = float((one != other).double().mean()), 2 * far / (1 + far)
    assert 0.003 < far < 0.02 and 0 < differ <= most + 3 * (most / count) ** 0.5


P = torch.tensor([0.1, 0.4, 0.2, 0.3])


@pytest.mark.parametrize(
    ("choice", "wanted"),
    [
        (Choice(temperature=1.0), [0.1, 0.4, 0.2, 0.3]),
        (Choice(temperature=0.5), [1 / 30, 16 / 30, 4 / 30, 9 / 30]),  # squares
        (Choice(temperature=1.0, top_p=0.65), [0, 4 / 7, 0, 3 / 7]),  # 0.4 alone does not reach it
        (Choice(temperature=1.0, top_p=0.75), [0, 4 / 9, 2 / 9, 3 / 9]),
        (Choice(temperature=1.0, top_p=0.01), [0, 1, 0, 0]),
        (Choice(), [0, 1, 0, 0]),
    ],
    ids=str,
)
def test_draws_have_the_probabilities_that_are_asked_for(choice: Choice, wanted: list[float]) -> None:
    stream = torch.Generator().manual_seed(0)
    draws = torch.cat([choice(P.log()[None], [stream]) for _ in range(4000)])
    shares = draws.bincount(minlength=4) / len(draws)
    assert shares.tolist() == pytest.approx(wanted, abs=0.03)
    assert all(share == 0 for share, p in zip(shares.tolist(), wanted, strict=True) if p == 0)

"""Means of scores by hand, and which kind of answer a question has."""

from typing import Any

import pytest

from reattend.evaluation.answering.scores import kind_of, metrics


def part(f1: float, rouges: tuple[float, float, float], nats: list[float], kind: str = "") -> dict[str, Any]:
    named = dict(zip(("rouge1", "rouge2", "rougeL"), rouges, strict=True))
    return {"f1": f1, "exact_match": 0.0, "kind": kind, "nats": nats, "tokens": [2, 4], **named}


def test_means_by_hand() -> None:
    found = metrics([part(0.5, (0.4, 0.2, 0.1), [4, 4], "free"), part(0.1, (0.2, 0.0, 0.1), [8, 20], "yes_no")])
    assert found["f1"].value == pytest.approx(30) and found["f1/free"].value == pytest.approx(50)
    assert (found["f1/yes_no"].count, found["f1/yes_no"].value) == (1, pytest.approx(10))
    assert found["rouge_geometric_mean"].value == pytest.approx((30 * 10 * 10) ** (1 / 3))
    assert found["rouge_geometric_mean_per_question"].value == pytest.approx(100 * (0.4 * 0.2 * 0.1) ** (1 / 3) / 2)
    assert (found["nats_per_answer_token"].sum, found["nats_per_answer_token"].count) == (36, 12)
    assert found["nats_per_token_of_best"].value == pytest.approx((1 + 4) / 2)


def test_the_kind_is_what_most_gave() -> None:
    from reattend.data import Question

    def kind(*kinds: str) -> str:
        return kind_of(Question("i", "d", "t", "x", "q", ("a",) * len(kinds), kinds))

    assert [kind("free", "yes_no", "yes_no"), kind("free", "yes_no"), kind()] == ["yes_no", "free", ""]

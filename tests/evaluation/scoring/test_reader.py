"""A GPU without room for a chunk is read with smaller ones; the text and its numbers stay the same."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from composed import command

from reattend.evaluation.scoring import reader
from reattend.models.reading import Reading
from reattend.records import EvaluationRecord

Evaluate = Callable[..., EvaluationRecord]
POLICY = ["policy=window", "policy.size=8"]


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], list[int]]:
    """asked = room(n): how many tokens passes ask for; one of more than n finds no memory."""
    plain = reader.begin

    def limit(most: int) -> list[int]:
        asked: list[int] = []

        def begin(*arguments: Any) -> Reading:
            reading: Any = plain(*arguments)
            read = reading.read

            def limited(tokens: torch.Tensor) -> torch.Tensor:
                asked.append(tokens.shape[1])
                if tokens.shape[1] > most:
                    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
                found: torch.Tensor = read(tokens)
                return found

            reading.read = limited
            return reading  # type: ignore[no-any-return]

        monkeypatch.setattr(reader, "begin", begin)
        return asked

    return limit


def test_a_chunk_too_large_is_halved_and_that_is_said(
    evaluate: Evaluate, room: Callable[[int], list[int]], capsys: pytest.CaptureFixture[str]
) -> None:
    roomy = evaluate(*POLICY, "name=roomy", "chunk=512")
    asked = room(15)
    capsys.readouterr()
    tight = evaluate(*POLICY, "name=tight", "chunk=512")
    told = capsys.readouterr().err.splitlines()
    # at first all 48 tokens of a text's chunk, then half as many
    assert told == [f"Out of memory on the GPU: going on with chunk={n}" for n in (24, 12)]
    assert asked[:4] == [2, 48, 24, 12] and max(asked[3:]) == 12
    assert [part["nats"] for part in tight.parts] == pytest.approx([part["nats"] for part in roomy.parts], rel=1e-6)


def test_a_gpu_without_room_for_a_token_is_one_message(
    given: list[str], room: Callable[[int], list[int]], capsys: pytest.CaptureFixture[str]
) -> None:
    asked = room(0)
    assert command("evaluate", *given, *POLICY) == 1
    told = capsys.readouterr().err
    assert asked == [2, 1]  # the warm-up
    assert "chunk=1: expected a GPU with room for the model and its state. Lower policy.size, or take" in told
    assert "Traceback" not in told

"""Many sentences in batches of alike length, long ones first; results come back in the order that was given."""

from collections.abc import Callable, Iterator, Sequence

import torch
from torch.nn.utils.rnn import pad_sequence

from reattend.data.parallel.dictionary import PAD
from reattend.decoding.base import Hypothesis, Search
from reattend.models.encoder_decoder import EncoderDecoder
from reattend.settings import at_least


def translate(
    model: EncoderDecoder,
    sentences: Sequence[Sequence[int]],
    search: Search,
    *,
    max_tokens: int = 4096,
    numbers: Sequence[int] | None = None,
    tell: Callable[[int], object] | None = None,
) -> list[list[Hypothesis]]:
    """[sentence][hypothesis] of source sentences, each of which ends with EOS, by a model in evaluation mode.

    A batch holds at most `max_tokens` padded source tokens times the search's lanes, or one sentence. `tell` is called
    after each batch with how many sentences are done. `numbers` tell the sentences from those of other calls, for what
    is drawn; by default they are counted.
    """
    at_least("max_tokens", max_tokens, 1)
    device = next(model.parameters()).device
    found: dict[int, list[Hypothesis]] = {}
    for batch in batches([len(sentence) for sentence in sentences], max_tokens // search.lanes):
        rows = [torch.tensor(sentences[number]) for number in batch]
        source = pad_sequence(rows, batch_first=True, padding_value=PAD).to(device)
        told = batch if numbers is None else [numbers[number] for number in batch]
        found.update(zip(batch, search(model, source, numbers=told), strict=True))
        if tell is not None:
            tell(len(found))
    return [found[number] for number in range(len(sentences))]


def batches(lengths: Sequence[int], max_tokens: int) -> Iterator[list[int]]:
    """Numbers of sentences, the longest first, so that a batch that is too large fails at once."""
    batch: list[int] = []
    for number in sorted(range(len(lengths)), key=lambda number: -lengths[number]):
        if batch and (len(batch) + 1) * lengths[batch[0]] > max_tokens:
            yield batch
            batch = []
        batch.append(number)
    if batch:
        yield batch

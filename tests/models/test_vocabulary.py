"""Bands of a vocabulary: probabilities by a loop over single numbers, shared words, published parameter counts."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny import decoder, options, shake
from torch.utils.flop_counter import FlopCounterMode

from reattend.cache import build_policy
from reattend.models import size
from reattend.models.checkpoint import FORMAT
from reattend.models.decoder import Decoder
from reattend.models.language import build_lm
from reattend.models.vocabulary import AdaptiveOutput, FullOutput, vocabulary_of
from reattend.settings import SettingError

SOFTMAX = options("attention")["softmax"]
BANDS: dict[str, Any] = {"cutoffs": [5, 9], "cutoff_factor": 2.0}
VOCABULARY = 23


def banded(*, bands: dict[str, Any] = BANDS, **sizes: Any) -> Decoder:
    """In float64, shaken."""
    model = decoder(SOFTMAX, vocabulary=VOCABULARY, **bands, **sizes).double()
    shake(model)
    return model


def words(*shape: int, seed: int = 0, high: int = VOCABULARY) -> torch.Tensor:
    return torch.randint(high, shape, generator=torch.Generator().manual_seed(seed))


def naive_log_p(output: AdaptiveOutput, x: list[float]) -> list[float]:
    """ln p of every word after x, number by number, from the equations of the module."""

    def dot(row: list[float], column: list[float]) -> float:
        return math.fsum(a * b for a, b in zip(row, column, strict=True))

    def log_softmax(logits: list[float]) -> list[float]:
        total = math.fsum(math.exp(logit) for logit in logits)
        return [logit - math.log(total) for logit in logits]

    head = log_softmax([dot(row, x) for row in output.head.weight.tolist()])
    found = head[: len(head) - len(output.tail)]
    for index, (down, rows) in enumerate(output.tail):
        narrow = [dot(row, x) for row in down.weight.tolist()]
        inside = log_softmax([dot(row, narrow) for row in rows.weight.tolist()])
        found += [head[len(head) - len(output.tail) + index] + one for one in inside]
    return found


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("bands", [BANDS, {"cutoffs": [1]}, {"cutoffs": [3, 4, 22], "cutoff_factor": 1.0}])
def test_probabilities_are_those_of_a_loop_over_single_numbers(bands: dict[str, Any], tied: bool) -> None:
    model = banded(bands=bands, tied_embeddings=tied)
    tokens, targets = words(2, 6), words(2, 6, seed=1)
    x = model.hidden(tokens)
    log_p = torch.tensor([[naive_log_p(model.output, row) for row in text] for text in x.tolist()], dtype=torch.double)
    torch.testing.assert_close(log_p.exp().sum(-1), torch.ones(2, 6, dtype=torch.double))
    torch.testing.assert_close(model(tokens), log_p)
    targets[0, 2:5] = -100
    kept = [(b, t) for b in range(2) for t in range(6) if targets[b, t] >= 0]
    wanted = -sum(float(log_p[b, t, targets[b, t]]) for b, t in kept)
    nats, count = model.loss(tokens, targets)
    assert nats.item() == pytest.approx(wanted, rel=1e-6) and count == len(kept) == 9


def test_a_band_of_one_word_is_the_full_softmax() -> None:
    model = banded(bands={"cutoffs": [VOCABULARY - 1]})
    full = FullOutput(vocabulary=VOCABULARY, width=8).double()
    full.weight.data = model.output.head.weight.data
    x, targets = torch.randn(50, 8, dtype=torch.double), words(50)
    torch.testing.assert_close(model.output(x), full(x).log_softmax(-1))
    torch.testing.assert_close(model.output.nats(x, targets), full.nats(x, targets))


def test_embeddings_are_the_words_of_the_output() -> None:
    model, low = banded(), [0, 5, 9]
    embedded = model.embedding(torch.arange(VOCABULARY))
    for word in range(VOCABULARY):
        band = sum(word >= edge for edge in low) - 1
        if band == 0:
            wanted = model.output.head.weight[word]
        else:
            down, rows = model.output.tail[band - 1]
            wanted = torch.einsum("d,dw->w", rows.weight[word - low[band]], down.weight)
        torch.testing.assert_close(embedded[word], wanted)


def test_tied_words_learn_from_both_ends() -> None:
    tied, apart = banded(), banded(tied_embeddings=False)
    apart.load_state_dict(tied.state_dict() | {"embedding.head.weight": tied.output.head.weight[:5]})
    tokens = words(2, 12)
    for model in (tied, apart):
        model.loss(tokens[:, :-1], tokens[:, 1:])[0].backward()
    both = apart.output.head.weight.grad.clone()
    both[:5] += apart.embedding.head.weight.grad
    torch.testing.assert_close(tied.output.head.weight.grad, both)
    for index in range(2):
        (vectors, up), (down, rows) = apart.embedding.tail[index], apart.output.tail[index]
        assert all((layer.weight.grad != 0).any() for layer in (vectors, up, down, rows))
        shared = tied.output.tail[index]
        torch.testing.assert_close(shared[1].weight.grad, vectors.weight.grad + rows.weight.grad)
        torch.testing.assert_close(shared[0].weight.grad, up.weight.grad + down.weight.grad)


@pytest.mark.parametrize("high", [5, 9])
def test_a_batch_without_words_of_some_band(high: int) -> None:
    model = banded()
    nats, _ = model.loss(words(2, 6, high=high), words(2, 6, seed=1, high=high))
    nats.backward()
    assert nats.isfinite() and (model.output.tail[1][1].weight.grad == 0).all()
    assert (model.output.head.weight.grad != 0).any(-1).all()  # the rows of the bands as well: they have to be refused


def test_nothing_but_padding_costs_nothing() -> None:
    nats, count = banded().loss(words(2, 6), torch.full((2, 6), -100))
    assert nats == 0 and count == 0


@pytest.mark.parametrize("pieces", [[1] * 9, [4, 1, 4]])
def test_reading_in_pieces_equals_one_pass(pieces: list[int]) -> None:
    model, tokens = banded(), words(2, 9)
    state = build_policy(options("policy")["full"]).state(layers=2)
    read = [model(piece, state=state) for piece in tokens.split(pieces, dim=1)]
    torch.testing.assert_close(torch.cat(read, dim=1), model(tokens))


def test_bfloat16_stays_close_and_sums_in_float32() -> None:
    model = decoder(SOFTMAX, vocabulary=VOCABULARY, **BANDS)
    tokens, targets = words(4, 30), words(4, 30, seed=1)
    wanted, _ = model.loss(tokens, targets)
    with torch.autocast("cpu", torch.bfloat16):
        mixed, _ = model.loss(tokens, targets)
    low, _ = model.bfloat16().loss(tokens, targets)
    assert mixed.dtype == low.dtype == torch.float32
    assert mixed.item() == pytest.approx(wanted.item(), rel=0.01)
    assert low.item() == pytest.approx(wanted.item(), rel=0.01)


def test_all_bands_start_with_the_spread_of_the_first() -> None:
    width, edges = 64, [0, 3000, 9000, 20000]
    model = decoder(SOFTMAX, vocabulary=20000, width=width, cutoffs=edges[1:-1], tied_embeddings=False)
    with torch.no_grad():
        x = torch.randn(200, width, generator=torch.Generator().manual_seed(0))
        vectors = model.embedding(torch.arange(20000))
        logits = [x @ model.output.head.weight.T] + [band(x) for band in model.output.tail]
    for index in range(3):
        assert vectors[edges[index] : edges[index + 1]].std().item() == pytest.approx((2 / 5 / width) ** 0.5, rel=0.2)
        assert logits[index].std().item() == pytest.approx((2 / 5) ** 0.5, rel=0.2)


def test_a_seed_decides_every_band_and_streams_differ() -> None:
    same, again, other = (
        decoder(SOFTMAX, seed=seed, vocabulary=VOCABULARY, tied_embeddings=False, **BANDS).state_dict()
        for seed in (1, 1, 2)
    )
    ends = [name for name in same if name.startswith(("embedding", "output"))]
    assert len(ends) == 10
    assert all(torch.equal(same[name], again[name]) and not torch.equal(same[name], other[name]) for name in ends)
    assert not torch.equal(same["embedding.tail.0.0.weight"], same["output.tail.0.1.weight"])


def counted(*, vocabulary: int, **sizes: Any) -> int:
    """Parameters, without the numbers themselves."""
    with torch.device("meta"):
        return size(decoder(SOFTMAX, vocabulary=vocabulary, **sizes))


def test_parameters_of_transformer_xl_base_on_wikitext_103() -> None:
    width, vocabulary, layers = 410, 267_735, 16
    attention = 3 * width**2 + width**2 + width**2  # q, k, v; output; r, of relative positions; none has a bias
    feed_forward = width * 2100 + 2100 + 2100 * width + width
    theirs = vocabulary * width + vocabulary + 3 * width + 3  # words and bands, with a bias each
    theirs += layers * (attention + feed_forward + 4 * width) + 2 * width  # two norms a layer; u and v are shared
    assert theirs == 151_107_538
    ours = counted(
        vocabulary=vocabulary,
        width=width,
        layers=layers,
        heads=10,
        feed_forward=2100,
        norm="post",
        positions="sinusoidal",
        cutoffs=[20_000, 40_000, 200_000],
        cutoff_factor=1.0,
    )
    no_relative_positions = layers * width**2 + 2 * width
    biases = layers * 4 * width - vocabulary - 3  # in attention, not in the output
    projections = 3 * width**2  # of each further band, though as wide as the first
    assert ours == theirs - no_relative_positions + biases + projections


def test_parameters_of_adaptive_inputs_on_wikitext_103() -> None:
    width, vocabulary, layers = 1024, 267_744, 16
    bands = 20_000 * 1024 + 40_000 * 256 + 207_744 * 64
    projections = width * (1024 + 256 + 64)  # the first band's vectors as well
    layer = 4 * (width**2 + width) + 2 * width * 4096 + 4096 + width + 4 * width
    theirs = bands + projections + 2 * width + layers * layer
    assert theirs == 246_933_504
    ours = counted(
        vocabulary=vocabulary,
        width=width,
        layers=layers,
        heads=8,
        feed_forward=4096,
        positions="sinusoidal",
        cutoffs=[20_000, 60_000],
    )
    assert ours == theirs - width**2 + 2 * width  # no projection of the first band; a norm after the last layer


@pytest.mark.parametrize("cutoffs", [None, [100, 400]])
def test_flops_are_those_of_words_by_zipfs_law(cutoffs: list[int] | None) -> None:
    model = decoder(SOFTMAX, vocabulary=2000, width=64, cutoffs=cutoffs)
    p = torch.tensor([1 / (rank + 2.7) for rank in range(1, 2001)])
    targets = torch.multinomial(p, 20_000, replacement=True, generator=torch.Generator().manual_seed(0))
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model.output.nats(torch.randn(20_000, 64), targets)
    assert model.output.flops_per_token() == pytest.approx(counter.get_total_flops() / 20_000, rel=0.02)


def test_bands_learn_as_well_as_one_softmax() -> None:
    """Words by Zipf's law, of which every other one, by chance, follows from the word before."""
    count, length = 60, 32
    p = torch.tensor([1 / (rank + 2.7) for rank in range(1, count + 1)])
    draw = torch.Generator().manual_seed(0)
    after = torch.randperm(count, generator=draw)

    def text(batch: int) -> torch.Tensor:
        drawn = torch.multinomial(p, batch * length, replacement=True, generator=draw).view(batch, length)
        follows = torch.rand(batch, length, generator=draw) < 0.5
        for t in range(1, length):
            drawn[:, t] = torch.where(follows[:, t], after[drawn[:, t - 1]], drawn[:, t])
        return drawn

    batches, held_out = [text(8) for _ in range(250)], text(200)

    def perplexity(cutoffs: list[int] | None) -> float:
        model = decoder(SOFTMAX, vocabulary=count, width=32, layers=1, cutoffs=cutoffs, cutoff_factor=1.0)
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
        schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, total_iters=len(batches))
        for batch in batches:
            nats, seen = model.loss(batch[:, :-1], batch[:, 1:])
            (nats / seen).backward()
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
        with torch.no_grad():
            nats, seen = model.loss(held_out[:, :-1], held_out[:, 1:])
        return math.exp(nats / seen)

    full, bands = perplexity(None), perplexity([10, 30])
    assert full < 15 < 40 < math.exp(torch.distributions.Categorical(p).entropy())  # of single words
    assert bands == pytest.approx(full, rel=0.03)


@pytest.mark.parametrize(
    ("bands", "setting", "expected"),
    [
        ({"cutoffs": []}, "model.cutoffs", "increasing whole numbers above 0 and below the vocabulary of 23"),
        ({"cutoffs": [0, 5]}, "model.cutoffs", "increasing"),
        ({"cutoffs": [5, 5]}, "model.cutoffs", "increasing"),
        ({"cutoffs": [9, 5]}, "model.cutoffs", "increasing"),
        ({"cutoffs": [5, 23]}, "model.cutoffs", "below the vocabulary"),
        ({"cutoffs": [5.5]}, "model.cutoffs", "whole numbers"),
        ({"cutoffs": ["many"]}, "model.cutoffs", "whole numbers"),
        ({"cutoffs": 5}, "model.cutoffs", "a list or null"),
        ({"cutoffs": [5], "cutoff_factor": 0.5}, "model.cutoff_factor", "at least 1"),
        ({"cutoffs": [5, 9], "cutoff_factor": 3.0}, "model.cutoff_factor", "width of at least 1 of 8"),
    ],
)
def test_bands_that_cannot_be_built_are_refused(bands: dict[str, Any], setting: str, expected: str) -> None:
    with pytest.raises(SettingError, match=expected) as refused:
        banded(bands=bands)
    assert refused.value.setting == setting


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("bands", [BANDS, {"cutoffs": None}])
def test_a_checkpoint_of_words_is_read_again(bands: dict[str, Any], tied: bool, tmp_path: Path) -> None:
    known = ["<eos>", "the", "<unk>", *(f"word{rank}" for rank in range(3, VOCABULARY))]
    sizes = {"architecture": "decoder", "name": "test", "width": 8, "layers": 2, "heads": 2, "tied_embeddings": tied}
    model = banded(bands=bands, tied_embeddings=tied).float().eval()
    assert vocabulary_of(model.state_dict()) == VOCABULARY
    config = {"attention": SOFTMAX, "model": sizes | bands, "data": {"context": 32}, "seed": 3}
    weights = {f"model.{key}": value for key, value in model.state_dict().items()}
    path = tmp_path / "best.ckpt"

    def load(**kept: Any) -> Any:
        torch.save({"reattend": {"format": FORMAT, "config": config, **kept}, "state_dict": weights}, path)
        return build_lm({"name": "checkpoint", "loader": "checkpoint", "path": str(path), "device_map": "cpu"}).load()

    found = load(words=known)
    ids = found.encode("the word20 word7\nof the").ids
    assert ids.tolist() == [1, 20, 7, 0, 2, 1] and found.unit == "word"
    assert torch.equal(found.model(ids[None]), model(ids[None])) and found.parameters == size(model)
    for kept in ({}, {"words": known[:-1]}):
        with pytest.raises(SettingError, match="a model of bytes, or of the words that it keeps; this one has a voc"):
            load(**kept)

"""Sentences per second of our beam search against transformers' `generate` of a Marian model with the same weights.

The weights are random, so they are made to find EOS improbable: on both sides every hypothesis then has the longest
length, all steps are done and none is saved by an early end. What is written is compared as well; at the last step
transformers takes EOS as certain, where ours counts its probability, so that near ties may be ranked otherwise.
"""

import statistics
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from reattend.bench.base import WARMUP, DeviceName, Suite, named_device
from reattend.bench.marian import marian
from reattend.bench.measure import Step, alternate, ratios
from reattend.data.parallel.dictionary import EOS, UNK
from reattend.decoding.beam import Beam
from reattend.models import build_model
from reattend.models.encoder_decoder import EncoderDecoder
from reattend.settings import at_least

Lines = list[list[int]]


class BeamSearch(Suite):
    """`baseline`, which Marian has to share, on both sides; then `mechanism` against it, both ours."""

    def __init__(
        self,
        *,
        device: DeviceName,
        rounds: int,
        sentences: int,
        batch_size: int,
        source_length: int,
        target_length: int,
        beam: int,
        vocabulary: int,
        width: int,
        layers: int,
        heads: int,
        feed_forward: int,
        mechanism: dict[str, Any],
    ) -> None:
        super().__init__(rounds=rounds)
        self.device = named_device(device)
        counts = {"sentences": sentences, "batch_size": batch_size, "source_length": source_length}
        for setting, value in counts.items():
            at_least(f"suite.{setting}", value, 1)
        at_least("suite.target_length", target_length, 2)
        at_least("suite.beam", beam, 2)  # transformers does beam=1 by other code
        at_least("suite.vocabulary", vocabulary, UNK + 2)
        self.counts, self.batch_size, self.beam = counts, batch_size, beam
        self.target_length, self.vocabulary, self.mechanism = target_length, vocabulary, mechanism
        self.sizes = {"width": width, "heads": heads, "feed_forward": feed_forward}
        self.sizes |= {"encoder_layers": layers, "decoder_layers": layers}
        self.written: dict[str, Lines] = {}  # by each side, in its last round

    def run(self) -> dict[str, Any]:
        softmax = self._model({"name": "softmax"})
        name = str(self.mechanism["name"])
        steps = {
            "transformers": self._theirs("transformers", softmax),
            "reattend": self._ours("reattend", softmax),
            name: self._ours(name, self._model(self.mechanism)),
        }
        seconds = alternate(steps, rounds=self.rounds, warmup=WARMUP, settle=self.settle)
        faster = ratios(seconds["transformers"], seconds["reattend"])  # of speeds, so inverted
        slower = ratios(seconds[name], seconds["reattend"])
        pairs = zip(self.written["reattend"], self.written["transformers"], strict=True)
        agreement = statistics.mean(one == other for one, other in pairs)

        print(f"{'beam search':<14} {'seconds':>9} {'sentences/s':>12}")
        for side, each in seconds.items():
            median = statistics.median(each)
            print(f"{side:<14} {median:>9.3f} {self.counts['sentences'] / median:>12,.1f}")
        print(f"reattend over transformers, sentences/s   x {faster}")
        print(f"{name} over softmax, seconds              x {slower}")
        print(f"equal best hypotheses                     {100 * agreement:.1f} %")
        return {
            "suite": "beam_search",
            "sentences_per_second_ratio": round(faster.median, 4),
            "mechanism_time_ratio": round(slower.median, 4),
            "equal_hypotheses": round(agreement, 4),
            "mechanism": name,
            "beam": self.beam,
            **self.counts,
            "target_length": self.target_length,
            "vocabulary": self.vocabulary,
            **self.sizes,
            "device": self.device.type,
            "threads": torch.get_num_threads(),
            "rounds": self.rounds,
        }

    def _model(self, attention: Mapping[str, Any]) -> EncoderDecoder:
        model: EncoderDecoder = build_model(
            {"architecture": "encoder_decoder", **self.sizes, "embeddings": "all"},
            attention=attention,
            vocabulary=(self.vocabulary, self.vocabulary),
            context=max(self.counts["source_length"], self.target_length + 2),
            seed=1,
        )
        blocks: Any = model.decoder
        with torch.no_grad():
            for block in blocks:  # else it would repeat its last token, whose embedding the residual path carries
                block.feed_forward.down.weight *= 8
            blocks[-1].feed_forward_norm.bias.fill_(0.1)  # without it the norm's output sums to 0,
            model.output.weight[EOS].fill_(-300 / self.sizes["width"])  # so that the logit of EOS is -30
        return model.to(self.device).eval()

    def _source(self) -> Tensor:
        """Random words, [sentences, source_length]."""
        draw = torch.Generator().manual_seed(0)
        shape = (self.counts["sentences"], self.counts["source_length"])
        source = torch.randint(UNK + 1, self.vocabulary, shape, generator=draw)
        source[:, -1] = EOS
        return source.to(self.device)

    def _ours(self, side: str, model: EncoderDecoder) -> Step:
        search = Beam(beam=self.beam, max_length_a=0.0, max_length_b=self.target_length)
        batches = self._source().split(self.batch_size)

        def step() -> None:
            self.written[side] = [found[0].tokens for batch in batches for found in search(model, batch)]

        return step

    def _theirs(self, side: str, model: EncoderDecoder) -> Step:
        theirs = marian(model).to(self.device)
        batches = self._source().split(self.batch_size)
        options = {"num_beams": self.beam, "do_sample": False, "max_new_tokens": self.target_length + 1}

        def step() -> None:
            outputs = (theirs.generate(batch, attention_mask=torch.ones_like(batch), **options) for batch in batches)
            self.written[side] = [line[1:-1] for output in outputs for line in output.tolist()]

        return step

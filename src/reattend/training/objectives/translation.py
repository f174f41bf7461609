"""Translation: label-smoothed -ln p of the target sentence, judged by BLEU (Szegedy et al., arXiv 1512.00567, sec. 7).

    loss = (1 - e) * -ln p(y_t)  +  e / (V - 1) * sum over v != y_t of -ln p(v)        summed over t, fairseq's form

and divided by the targets of the whole optimiser step, whatever its batches hold. The curves show -ln p without
smoothing. BLEU is sacrebleu's on detokenised text; the others of `metrics.bleu` stand beside it, never in its place.
"""

from collections.abc import Mapping
from typing import Any, Literal

from torch import Tensor, nn
from torch.nn import functional as F

from reattend.data import ParallelCorpus, build_parallel
from reattend.data.batches import IGNORED
from reattend.data.parallel.batches import PairBatch
from reattend.decoding import translate
from reattend.decoding.beam import Beam
from reattend.metrics.bleu import every_score, sacre_bleu
from reattend.records import Metric
from reattend.settings import at_least, within
from reattend.training.objective import Evaluator, Objective, Validation, bits_per_token

SHOWN = 3  # translations that a finished run prints


class Translation(Objective):
    def __init__(
        self,
        *,
        label_smoothing: float,
        best_by: Literal["bleu", "bits"],
        patience: int | None,
        average: int,
        beam: int,
        length_penalty: float,
        max_length_a: float,
        max_length_b: int,
    ) -> None:
        within("objective.label_smoothing", label_smoothing, 0.0, 1.0)
        at_least("objective.patience", patience, 1)
        at_least("objective.average", average, 0)
        self.label_smoothing, self.best_by = label_smoothing, best_by
        self.patience, self.average = patience, average
        self.search = Beam(
            beam=beam, length_penalty=length_penalty, max_length_a=max_length_a, max_length_b=max_length_b
        )

    def corpus(self, config: Mapping[str, Any]) -> ParallelCorpus:
        return build_parallel(config)

    def keep(self, corpus: ParallelCorpus) -> dict[str, Any]:
        return {"pipeline": corpus.pipeline.to_plain(), "context": corpus.context}

    def losses(self, model: nn.Module, batch: PairBatch) -> tuple[Tensor, Tensor, Tensor]:
        smoothed, nats, count = label_smoothed(
            model(batch.source, batch.inputs), batch.targets, smoothing=self.label_smoothing
        )
        return smoothed * batch.weight, nats, count

    def validate(self, module: Evaluator, corpus: ParallelCorpus) -> Validation:
        bits = module.evaluate(corpus.evaluation_batches("valid", limit=corpus.valid_limit)).bits_per_token()
        if self.best_by == "bits":
            return Validation(bits, criterion=bits)
        translations, references = self._translate(module, corpus, "valid", limit=corpus.valid_limit)
        plain = [corpus.pipeline.decode(ids) for ids in translations]
        bleu = sacre_bleu(plain, references, lowercase=corpus.pipeline.lowercase).value
        return Validation(bits, criterion=-bleu, more={"valid/sacrebleu": bleu})

    def score(self, module: Evaluator, corpus: ParallelCorpus) -> dict[str, Metric]:
        metrics = bits_per_token(module, corpus)
        for split in ("valid", "test"):
            translations, references = self._translate(module, corpus, split)
            for name, score in every_score(corpus.pipeline, translations, references).items():
                count = len(translations)
                metrics[f"{split}/{name}"] = Metric(score.value, score.signature, score.value * count, count)
        sources = corpus.plain("test").source
        for i in (len(sources) * (2 * k + 1) // (2 * SHOWN) for k in range(SHOWN)):  # evenly spread
            spelt = corpus.pipeline.decode(translations[i])
            print(f"  {sources[i]}\n    translated {spelt}\n    reference  {references[i]}")
        return metrics

    def _translate(
        self, module: Evaluator, corpus: ParallelCorpus, split: str, *, limit: int | None = None
    ) -> tuple[list[list[int]], list[str]]:
        """The translations of a split, as numbers, and its plain references."""
        sentences, references = corpus.sentences(split, limit=limit)
        found = translate(module.model, sentences, self.search)
        return [hypotheses[0].tokens for hypotheses in found], references


def label_smoothed(logits: Tensor, targets: Tensor, *, smoothing: float) -> tuple[Tensor, Tensor, Tensor]:
    """The smoothed loss and -ln p, both summed over the targets [B, T] that are not -100, and the number of these.

    PyTorch spreads e over all V symbols, the right one included, fairseq over the V - 1 wrong ones.
    """
    flat, aims = logits.flatten(0, 1).float(), targets.flatten()  # [B T, V]
    log_p = F.log_softmax(flat, dim=-1)
    nats = F.nll_loss(log_p, aims, ignore_index=IGNORED, reduction="sum")
    counted = aims != IGNORED
    every = -(log_p.sum(dim=-1) * counted).sum()  # over all V symbols
    share = smoothing / (flat.shape[-1] - 1)
    return (1 - smoothing - share) * nats + share * every, nats.detach(), counted.sum()

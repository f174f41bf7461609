"""What answers are worth: the scores of each, and their means."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from reattend.data import Question
from reattend.metrics import answers as words
from reattend.metrics.rouge import Rouge, mean, rouge
from reattend.records import Metric

SCORES = ("f1", "exact_match", *Rouge._fields)
POINTS = "points of 100"
Part = Mapping[str, Any]  # an `Answered`


def kind_of(question: Question) -> str:
    """What most annotators gave; of kinds as frequent the first. The authors' depends on what was answered."""
    return Counter(question.kinds).most_common(1)[0][0] if question.kinds else ""


def scores(prediction: str, references: Sequence[str], *, transliterate: bool) -> dict[str, float | None]:
    """Those of a record, None without references."""
    if not references:
        return dict.fromkeys(SCORES)
    plain = words.normalised(prediction, transliterate=transliterate)
    gold = [words.normalised(reference, transliterate=transliterate) for reference in references]
    found: dict[str, float | None] = {
        "f1": words.best(words.f1, plain, gold),
        "exact_match": words.best(words.exact_match, plain, gold),
    }
    return found | rouge(prediction, references)._asdict()


def metrics(parts: Sequence[Part]) -> dict[str, Metric]:
    """Means over questions, in points of 100, and likelihoods over the tokens of all references."""
    found = _of_words(parts) if all(part["f1"] is not None for part in parts) else {}
    if all(part["tokens"] for part in parts):
        nats = math.fsum(value for part in parts for value in part["nats"])
        tokens = sum(count for part in parts for count in part["tokens"])
        found["nats_per_answer_token"] = Metric(nats / tokens, "nats per token", nats, tokens)
        best = [min(n / t for n, t in zip(part["nats"], part["tokens"], strict=True)) for part in parts]
        found["nats_per_token_of_best"] = _mean(best, "nats per token")
    return found


def _of_words(parts: Sequence[Part]) -> dict[str, Metric]:
    found = {key: _mean([100 * part[key] for part in parts], POINTS) for key in SCORES}
    each = [Rouge(*(part[key] for key in Rouge._fields)) for part in parts]
    corpus = 100 * mean(each).geometric_mean
    found["rouge_geometric_mean"] = Metric(corpus, POINTS, corpus * len(parts), len(parts))
    found["rouge_geometric_mean_per_question"] = _mean([100 * one.geometric_mean for one in each], POINTS)
    for kind in sorted({part["kind"] for part in parts} - {""}):
        found[f"f1/{kind}"] = _mean([100 * part["f1"] for part in parts if part["kind"] == kind], POINTS)
    return found


def _mean(values: Sequence[float], unit: str) -> Metric:
    total = math.fsum(values)
    return Metric(total / len(values), unit, total, len(values))

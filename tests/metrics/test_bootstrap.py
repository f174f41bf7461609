"""The paired bootstrap equals sacrebleu's own on the same draws, and says what a test of significance must."""

import numpy as np
import pytest
from made_up_translations import made_up
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.significance import PairedTest

from reattend.metrics.bleu import sacre_bleu
from reattend.metrics.bootstrap import paired_bootstrap
from reattend.metrics.ngrams import corpus_bleu

REFERENCES, BETTER, WORSE = made_up()
# a sixth of the sentences of the better system: a difference that chance can make
MIXED = [better if i % 6 == 0 else worse for i, (better, worse) in enumerate(zip(BETTER, WORSE, strict=True))]


@pytest.fixture(scope="module", autouse=True)
def no_other_seed() -> None:
    assert paired_bootstrap.__kwdefaults__ == {"draws": 1000, "seed": 12345}  # sacrebleu's defaults


@pytest.mark.parametrize(("system", "baseline"), [(BETTER, WORSE), (WORSE, BETTER), (MIXED, WORSE)])
def test_equals_sacrebleu(system: list[str], baseline: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SACREBLEU_SEED", raising=False)
    named = [("baseline", baseline), ("system", system)]
    test = PairedTest(named, {"BLEU": BLEU(force=True)}, [REFERENCES], test_type="bs", n_samples=1000)
    _, scores = test()
    before, after = scores["BLEU"]
    found = paired_bootstrap(*(sacre_bleu(lines, REFERENCES).sentences for lines in (system, baseline)))
    assert found.value == pytest.approx(after.score - before.score)
    assert found.p == pytest.approx(after.p_value)


def test_interval_by_a_loop() -> None:
    system, baseline = (sacre_bleu(lines, REFERENCES).sentences for lines in (MIXED, WORSE))
    found = paired_bootstrap(system, baseline, draws=80, seed=3)
    chosen = np.random.default_rng(3).choice(40, size=(80, 40), replace=True)
    drawn = sorted(corpus_bleu(system[rows]) - corpus_bleu(baseline[rows]) for rows in chosen)
    assert found.interval == pytest.approx((drawn[2], drawn[77]))  # two of eighty on either side


def test_a_clear_and_an_unclear_difference() -> None:
    better, mixed, worse = (sacre_bleu(lines, REFERENCES).sentences for lines in (BETTER, MIXED, WORSE))
    clear, unclear = paired_bootstrap(better, worse), paired_bootstrap(mixed, worse)
    assert clear.p < 0.01 and clear.interval[0] > 0
    assert unclear.p > 0.05
    same = paired_bootstrap(better, better)
    assert (same.value, same.interval, same.p) == (0, (0, 0), 1)  # not sacrebleu's 1 / 1001


def test_other_sentences_are_refused() -> None:
    better, worse = (sacre_bleu(lines, REFERENCES).sentences for lines in (BETTER, WORSE))
    with pytest.raises(ValueError):
        paired_bootstrap(better, worse[:-1])

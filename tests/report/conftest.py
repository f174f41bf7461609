"""Made-up runs and the tables that several files of tests lay out."""

import dataclasses
from collections.abc import Callable

import made_up
import pytest
from described import conf_table

from reattend.records import EvaluationRecord, TrainingRecord
from reattend.report.collapse.specification import CollapseSpec
from reattend.report.sizes.specification import SizesSpec
from reattend.report.variants.specification import VariantsSpec

MakeRecord = Callable[..., TrainingRecord]
MakeEvaluation = Callable[..., EvaluationRecord]


@pytest.fixture
def make_record() -> MakeRecord:
    """`make_record(attention, seed, bits)`; dotted keywords in `settings` change the configuration."""
    return made_up.make_training


@pytest.fixture
def make_evaluation() -> MakeEvaluation:
    """`make_evaluation("tova", 64, [3.1, 3.3], scope="layer")`: a policy, its size, nats per token of each chunk."""
    return made_up.make_evaluation


@pytest.fixture
def six(make_record: MakeRecord) -> list[TrainingRecord]:
    """Three seeds of two mechanisms; the pairs differ by -0.01, -0.02 and -0.06."""
    softmax = {1: 2.50, 2: 2.52, 3: 2.57}
    dagpam = {1: 2.49, 2: 2.50, 3: 2.51}
    return [
        *(make_record("softmax", seed, bits, seconds=100 + seed) for seed, bits in softmax.items()),
        *(
            make_record("dagpam", seed, bits, seconds=(100 + seed) * 1.2, peak=1_000_000_000, extra=8_000)
            for seed, bits in dagpam.items()
        ),
    ]


@pytest.fixture
def spec() -> VariantsSpec:
    """The table that `make train` prints."""
    return conf_table("default", VariantsSpec)


@pytest.fixture
def sizes_spec() -> SizesSpec:
    """The table beside the paper's."""
    return conf_table("tova_pg19", SizesSpec)


@pytest.fixture
def claimed() -> CollapseSpec:
    """The table of the three claims, which are about daGPAM."""
    found = conf_table("collapse_one_rate", CollapseSpec)
    return dataclasses.replace(found, claim={"attention.name": "dagpam", "control.name": "none"})

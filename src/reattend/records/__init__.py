"""A finished run becomes one JSON file with all it takes to compare it with another, or to refuse.

The room imports the standard library only: reading records must stay fast and must work where torch is not.
"""

from reattend.records.files import read_record, read_records, write_record
from reattend.records.identity import config_hash, dotted, run_name
from reattend.records.memory import PeakMemory
from reattend.records.provenance import git_state, hardware, package_versions
from reattend.records.record import (
    SCHEMA,
    EvaluationRecord,
    Metric,
    Record,
    RecordError,
    TrainingRecord,
    TranslationRecord,
    perplexity,
)

__all__ = [
    "SCHEMA",
    "EvaluationRecord",
    "Metric",
    "PeakMemory",
    "Record",
    "RecordError",
    "TrainingRecord",
    "TranslationRecord",
    "config_hash",
    "dotted",
    "git_state",
    "hardware",
    "package_versions",
    "perplexity",
    "read_record",
    "read_records",
    "run_name",
    "write_record",
]

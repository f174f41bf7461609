"""A finished run becomes one JSON file with all it takes to compare it with another, or to refuse.

The room imports the standard library only: reading records must stay fast and must work where torch is not.
"""

from reattend.records.files import read_record, read_records, write_record
from reattend.records.identity import config_hash, dotted, run_name
from reattend.records.memory import PeakMemory
from reattend.records.provenance import Clock, git_state, hardware, origin, package_versions
from reattend.records.record import (
    SCHEMA,
    DiagnosticsRecord,
    EvaluationRecord,
    Metric,
    Record,
    RecordError,
    TrainingRecord,
    TranslationRecord,
    totals,
)

__all__ = [
    "SCHEMA",
    "Clock",
    "DiagnosticsRecord",
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
    "origin",
    "package_versions",
    "read_record",
    "read_records",
    "run_name",
    "totals",
    "write_record",
]

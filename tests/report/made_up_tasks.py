"""Made-up trainings on two tasks, and a table of both."""

from typing import Any

from made_up import make_training

from reattend.records import TrainingRecord
from reattend.report import parse_spec
from reattend.report.tasks.specification import TasksSpec

BYTES = {"title": "bytes", "experiment": "default", "metric": "test/bits_per_byte", "lower_is_better": True}
BLEU = {"title": "BLEU", "experiment": "german", "metric": "test/sacrebleu", "lower_is_better": False, "decimals": 1}
TASKS: dict[str, Any] = {
    "layout": "tasks",
    "name": "both",
    "title": "Both tasks",
    "rows": ["attention.name", "control.name"],
    "baseline": "softmax",
    "columns": [column | {"evaluation": "as ever"} for column in (BYTES, BLEU)],
}
FIXED = {"attention.lambda_trainable": False}


def both_tasks(**changes: Any) -> TasksSpec:
    found = parse_spec(TASKS | changes)
    assert isinstance(found, TasksSpec)
    return found


def german(attention: str, seed: int, bleu: float, settings: dict[str, Any] | None = None) -> TrainingRecord:
    """A record of the second task: another model, another corpus, another metric."""
    other = {"experiment": "german", "model.width": 64, "trainer.max_steps": 300, **(settings or {})}
    return make_training(attention, seed, bleu, metric="sacrebleu", sha256="dead", settings=other)


def two_tasks() -> list[TrainingRecord]:
    """Softmax and daGPAM of two kinds; one of them was not trained on the second task."""
    return [
        *(make_training("softmax", seed, bits) for seed, bits in ((1, 2.0), (2, 2.5), (3, 4.0))),
        *(make_training("dagpam", seed, bits) for seed, bits in ((1, 1.98), (2, 2.45), (3, 3.88))),
        make_training("dagpam", 2, 2.6, settings=FIXED),
        *(german("softmax", seed, bleu) for seed, bleu in ((1, 20.0), (2, 25.0))),
        *(german("dagpam", seed, bleu) for seed, bleu in ((1, 21.0), (2, 26.5))),
    ]

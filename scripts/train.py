"""Train what the options compose and record the result: python scripts/train.py attention=dagpam seed=1"""

from typing import Any

from reattend.commandline import command


@command("train")
def main(config: dict[str, Any]) -> float:
    from reattend.training.job import run_job

    record = run_job(config)
    return next(metric.value for key, metric in record.metrics.items() if key.startswith("test/"))


if __name__ == "__main__":
    main()

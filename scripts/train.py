"""Train what the options compose and record the result: python scripts/train.py attention=dagpam seed=1

With plan=true print what that would cost, and do nothing.
"""

from typing import Any

from reattend.commandline import command


@command("train")
def main(config: dict[str, Any]) -> float | None:
    from reattend.settings import typed
    from reattend.training.job import plan_job, run_job

    if typed("plan", config["plan"], bool):
        print(plan_job(config), flush=True)
        return None
    record = run_job(config)
    return next(metric.value for key, metric in record.metrics.items() if key.startswith("test/"))


if __name__ == "__main__":
    main()

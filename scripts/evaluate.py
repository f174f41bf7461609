"""Look at a trained model: python scripts/evaluate.py task=sample checkpoint=results/checkpoints/RUN/best.ckpt"""

from typing import Any

from reattend.commandline import command


@command("evaluate")
def main(config: dict[str, Any]) -> None:
    from reattend.evaluation import run_task

    print(run_task(config))


if __name__ == "__main__":
    main()

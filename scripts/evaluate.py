"""Read texts with a language model under a cache policy: python scripts/evaluate.py policy=tova policy.size=256"""

from typing import Any

from reattend.commandline import command


@command("evaluate")
def main(config: dict[str, Any]) -> None:
    from reattend.evaluation import run_task

    print(run_task(config))


if __name__ == "__main__":
    main()

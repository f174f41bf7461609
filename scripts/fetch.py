"""Prepare a corpus or documents ahead of time and show what they are: python scripts/fetch.py data=enwiki_sample"""

from typing import Any

from reattend.commandline import command


@command("fetch")
def main(config: dict[str, Any]) -> None:
    from reattend.data import build_data

    print(build_data(config["data"]).describe())


if __name__ == "__main__":
    main()

"""Fetch, check and prepare a corpus ahead of time and show what it is: python scripts/fetch.py data=enwik8"""

from typing import Any

from reattend.commandline import command


@command("fetch")
def main(config: dict[str, Any]) -> None:
    from reattend.data import build_data

    given = {"path": config["source"], "allow_mismatch": config["allow_mismatch"] or None}
    placed = {key: value for key, value in given.items() if value is not None}
    print(build_data(config["data"] | placed).describe())


if __name__ == "__main__":
    main()

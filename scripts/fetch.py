"""Prepare a corpus ahead of time and show what it is: python scripts/fetch.py data=enwiki_sample"""

from typing import Any

from reattend.commandline import command


@command("fetch")
def main(config: dict[str, Any]) -> None:
    from reattend.data import build_corpus

    corpus = build_corpus(config["data"])
    path, identity = corpus.prepare(), corpus.identity()
    splits = {split: found["tokens"] for split, found in identity["splits"].items()}
    print(f"{identity['name']}: {path}")
    print(f"  source   {identity['source']}")
    print(f"  licence  {identity['licence']}")
    print(f"  sha256   {identity['sha256']}")
    print(f"  {corpus.unit}s    {sum(splits.values()):,}")
    for split, count in splits.items():
        print(f"  {split:<8} {count:,}")


if __name__ == "__main__":
    main()

"""Does what a page says, in the folder it is started in: from steps.json to done.json.

One process for all steps, since each start of Lightning takes seconds. A step is [kind, arguments]: `script` with its
command line, `pytest` with its arguments, `code` with a text to execute. `RUN` stands for the run trained last. What
became of a step is [exit status, what it said].
"""

import contextlib
import gc
import io
import json
import runpy
import sys
import traceback
from pathlib import Path
from typing import Any

import pytest


def follow(kind: str, arguments: Any) -> int:
    """The exit status of one step."""
    if kind == "pytest":
        return pytest.main(["-p", "no:xdist", "-p", "no:cacheprovider", "-o", "addopts=-q", *arguments])
    if kind == "code":
        exec(compile(arguments, "page", "exec"), {})
        return 0
    sys.argv = [a.replace("/RUN/", f"/{_newest(a)}/") if "/RUN/" in a else a for a in arguments]
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def _newest(argument: str) -> str:
    folder = Path(argument.partition("=")[2].partition("/RUN/")[0])
    return max(folder.iterdir(), key=lambda run: run.stat().st_mtime).name


def main() -> None:
    results = []
    for kind, arguments in json.loads(Path("steps.json").read_text()):
        gc.collect()
        gc.freeze()  # what the libraries have made stays: looking through it at every collection takes long
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            try:
                status = follow(kind, arguments)
            except Exception:
                status = 1
                traceback.print_exc()
        results.append([status, said.getvalue()])
    Path("done.json").write_text(json.dumps(results))


if __name__ == "__main__":
    main()

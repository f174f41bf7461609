"""scripts/fetch.py from outside: what it prints, and one message with exit code 1 for a bad input."""

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "scripts" / "fetch.py"


def _fetch(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, SCRIPT, *arguments], cwd=folder, capture_output=True, text=True)


def test_shows_the_corpus_and_leaves_no_file(tmp_path: Path) -> None:
    (tmp_path / "page.txt").write_bytes(b"0123456789" * 400)
    told = _fetch("data=text", "data.path=page.txt", "data.context=64", folder=tmp_path)
    assert told.returncode == 0, told.stderr
    for part in ("page.txt", "not stated", "4,000", "3,600", "200"):
        assert part in told.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["page.txt"]


def test_shows_documents_one_a_line(tmp_path: Path) -> None:
    (tmp_path / "book.txt").write_text("It was a dark night.\n")
    told = _fetch("data=books", "data.path=book.txt", folder=tmp_path)
    assert told.returncode == 0, told.stderr
    assert told.stdout.splitlines()[0] == "books: book.txt"
    assert told.stdout.splitlines()[-1].split() == ["5", "21", "book"]


def test_a_bad_setting_is_one_message_without_a_trace(tmp_path: Path) -> None:
    told = _fetch("data=text", "data.path=gone.txt", folder=tmp_path)
    assert told.returncode == 1
    assert "data.path=gone.txt: expected an existing file. Correct data.path." in told.stderr
    assert "Traceback" not in told.stderr and told.stdout == ""

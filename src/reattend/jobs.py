"""One job of a sweep: skipped if its record exists, refused if another process has it, else done and recorded.

Imports no torch, so that a sweep passes over finished jobs in no time.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from filelock import FileLock, Timeout

from reattend.records import Record, config_hash, read_record, run_name, write_record
from reattend.settings import SettingError, seed_of, typed

R = TypeVar("R", bound=Record)


def once(
    config: Mapping[str, Any],
    kind: type[R],
    work: Callable[[str, Path], R],
    *,
    keeps: str,
    clean: Callable[[Path], None] = lambda folder: None,
    left: Callable[[R], Callable[[str, Path], R] | None] = lambda record: None,
) -> R:
    """The record of a composed configuration, which then lies in results_dir/runs.

    `work(name, folder)` makes it; what it needs to go on after an interruption lies in results_dir/<keeps>/<name>,
    from where `clean(folder)` may remove it when the record is written. `left(record)` is the work that a finished
    record still lacks, if any: what it makes replaces the record.
    """
    seed_of(config)
    typed("force", config["force"], bool)
    name, results = run_name(config), Path(str(config["results_dir"]))  # a folder may be called 2026
    path, folder = results / "runs" / f"{name}.json", results / keeps / name
    finished = None if config["force"] else _finished(path, config, kind)
    if finished is not None:
        rest = left(finished)
        if rest is None:
            print(f"{name}: finished before, see {path} (force=true does it again)")
            return finished
        work = rest
    with _claimed(folder, name):
        record = work(name, folder)
        try:
            write_record(record, path)
        except OSError as error:
            raise _not_writable(path.parent, error) from error
        clean(folder)
    print(f"{name}: record {path}")
    return record


@contextmanager
def _claimed(folder: Path, name: str) -> Iterator[None]:
    """Holds the lock on a run's folder; the system frees it even if the process is killed."""
    lock = FileLock(folder / "lock", blocking=False)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        expected = "a run that no other process works on"
        raise SettingError("name", name, expected, "Wait for it, or give this one another name=...") from None
    except OSError as error:
        raise _not_writable(folder, error) from None
    try:
        yield
    finally:
        lock.release()


def _not_writable(folder: Path, error: OSError) -> SettingError:
    expected = f"a folder that can be written ({error.strerror})"
    return SettingError("results_dir", folder, expected, "Make room there, or set results_dir elsewhere.")


def _finished(path: Path, config: Mapping[str, Any], kind: type[R]) -> R | None:
    if not path.exists():
        return None
    record = read_record(path)
    if record.config_hash != config_hash(config) or not isinstance(record, kind):
        expected = f"a name of its own; {path} holds another configuration of that name"
        raise SettingError("name", config["name"], expected, "Give another name=..., or leave it out.")
    return record

"""Any local file as a corpus of bytes, split 90/5/5 by position."""

from pathlib import Path

from reattend.data.corpus import Corpus, Splits, byte_splits
from reattend.settings import SettingError


class Text(Corpus):
    """`data=text data.path=FILE`; the record keeps the file's name and checksums, not its folder."""

    licence = "not stated"

    def __init__(
        self, *, path: str | None = None, context: int, batch_size: int, valid_limit: int | None = None
    ) -> None:
        super().__init__(context=context, batch_size=batch_size, valid_limit=valid_limit)
        self.path = path
        self.source = Path(path or "").name

    def prepare(self) -> Path:
        if self.path is None:
            raise SettingError("data.path", "null", "the path of a local file", "Add data.path=FILE.")
        path = Path(self.path).expanduser()
        if path.is_dir():
            raise SettingError("data.path", self.path, "a file, not a folder", "Name one file in it.")
        if not path.is_file():
            raise SettingError("data.path", self.path, "an existing file", "Correct data.path.")
        if path.stat().st_size == 0:
            raise SettingError("data.path", self.path, "a file that is not empty", "Choose another file.")
        return path

    def load(self) -> Splits:
        return byte_splits(self.prepare())

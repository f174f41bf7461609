"""A corpus of bytes as the tokens of a pretrained model: to fine-tune it on any text, and to score it by byte too.

Each split is decoded as UTF-8 and tokenised whole. Of a character that a split's end cuts in two, the bytes belong to
neither split. What a token spells is known to the byte, so bits per byte compare models whatever their tokens.
"""

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from reattend.data import Corpus
from reattend.data.batches import IGNORED
from reattend.data.corpus import Splits
from reattend.models.language.base import LanguageModel
from reattend.settings import SettingError


class TokenCorpus(Corpus):
    """`context`, `batch_size` and `valid_limit` are those of the corpus of bytes, in tokens of `lm`."""

    unit = "token"

    def __init__(self, corpus: Corpus, lm: LanguageModel) -> None:
        super().__init__(context=corpus.context, batch_size=corpus.batch_size, valid_limit=corpus.valid_limit)
        if corpus.unit != "byte":
            expected = f"a text as bytes, to be tokenised; this one comes as {corpus.unit}s"
            raise SettingError("data", corpus.name, expected, "Choose another, or data=text data.path=FILE.")
        self.corpus, self.lm = corpus, lm
        self.source, self.licence = corpus.source, corpus.licence
        model: Any = lm.model
        self.vocabulary = model.config.get_text_config(decoder=True).vocab_size

    @property
    def name(self) -> str:
        return self.corpus.name

    def prepare(self) -> Path:
        return self.corpus.prepare()

    def identity(self) -> dict[str, Any]:
        """The checksums are those of the tokens; `lm` is the model whose tokens they are."""
        return super().identity() | {"lm": self.lm.identity()}

    def load(self) -> Splits:
        return {split: ids for split, (ids, _) in self._tokenised.items()}

    def bytes_of(self, split: str, **windows: int | None) -> int:
        """How many bytes the targets of `evaluation_batches(split, **windows)` spell."""
        windows_of_bytes = self.evaluation_batches(split, **windows)
        windows_of_bytes.tokens = self._tokenised[split][1]
        return sum(int(targets[targets != IGNORED].sum()) for _, targets in windows_of_bytes)

    @cached_property
    def _tokenised(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Tokens [n] of each split, and how many bytes each of them spells."""
        return {split: self._tokens(split, raw) for split, raw in self.corpus.splits().items()}

    def _tokens(self, split: str, raw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        text = self._text(split, raw)
        ids, spans = self.lm.encode(text)
        points = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)
        sizes = 1 + (points >= 0x80) + (points >= 0x800) + (points >= 0x10000)  # bytes of each character
        places = np.concatenate([[0], sizes.cumsum()])
        return ids.numpy().astype(np.int32), places[spans[:, 1]] - places[spans[:, 0]]

    def _text(self, split: str, raw: np.ndarray) -> str:
        data = raw.tobytes()
        start = next((i for i in range(min(4, len(data))) if data[i] & 0xC0 != 0x80), 0)  # 10xxxxxx goes on
        try:
            return data[start:].decode()
        except UnicodeDecodeError as error:
            if error.end == len(data) - start and error.reason == "unexpected end of data":
                return data[start : start + error.start].decode()
            bad = f"byte {start + error.start} of its {split} split is not"
            raise SettingError("data", self.corpus.name, f"text in UTF-8; {bad}", "Choose another text.") from None

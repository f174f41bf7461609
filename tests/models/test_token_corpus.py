"""A text as the tokens of a pretrained model: its bytes are counted exactly, whatever windows are scored."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_llama import TEXT, byte_pairs, llama, save

from reattend.data import Corpus, build_corpus
from reattend.data.batches import IGNORED
from reattend.data.corpus import Splits
from reattend.models.language import LanguageModel, build_lm
from reattend.models.language.corpus import TokenCorpus
from reattend.settings import SettingError


class Given(Corpus):
    """Splits made up on the spot."""

    source = licence = "none"

    def __init__(self, splits: dict[str, bytes], **options: Any) -> None:
        super().__init__(context=4, batch_size=2, **options)
        self.given = splits

    def prepare(self) -> Path:
        raise NotImplementedError

    def load(self) -> Splits:
        return {split: np.frombuffer(data, dtype=np.uint8) for split, data in self.given.items()}


@pytest.fixture(scope="module")
def lm(tmp_path_factory: pytest.TempPathFactory) -> LanguageModel:
    words = byte_pairs()
    folder = save(tmp_path_factory.mktemp("models") / "llama", llama(words), words)
    return build_lm({"name": "any", "loader": "pretrained", "path": str(folder), "device_map": None}).load()


def test_tokens_are_those_of_the_model_and_the_record_names_it(lm: LanguageModel) -> None:
    parts = {split: (TEXT * n).encode() for split, n in (("train", 3), ("valid", 1), ("test", 2))}
    corpus = TokenCorpus(Given(parts, valid_limit=8), lm)
    for split, data in parts.items():
        assert corpus.splits()[split].tolist() == lm.encode(data.decode()).ids.tolist()
    identity = corpus.identity()
    assert identity["lm"] == lm.identity() and (identity["name"], identity["unit"]) == ("test_token_corpus", "token")
    assert (corpus.context, corpus.batch_size, corpus.valid_limit, corpus.vocabulary) == (4, 2, 8, 300)


@pytest.mark.parametrize("windows", [{}, {"limit": 12}, {"window": 3, "stride": 1}, {"limit": 5, "stride": 2}])
def test_bytes_are_those_of_the_targets(windows: dict[str, int], lm: LanguageModel) -> None:
    text = (TEXT * 2).encode("ascii", errors="ignore")  # of tokens that are whole characters
    corpus = TokenCorpus(Given(dict.fromkeys(("train", "valid", "test"), text)), lm)
    targets = [t for _, batch in corpus.evaluation_batches("test", **windows) for t in batch[batch != IGNORED].tolist()]
    assert corpus.bytes_of("test", **windows) == sum(len(lm.tokenizer.decode([token])) for token in targets)
    if "limit" not in windows:
        _, spans = lm.encode(text.decode())
        assert corpus.bytes_of("test", **windows) == len(text) - spans[0, 1]
    else:
        assert len(targets) <= windows["limit"] < len(ids_of(corpus)) - 1


def ids_of(corpus: TokenCorpus) -> np.ndarray:
    return corpus.splits()["test"]


@pytest.mark.parametrize("character", ["é", "漢", "😀"])
def test_a_character_that_is_cut_in_two_belongs_to_neither_split(character: str, lm: LanguageModel) -> None:
    raw, words = character.encode(), b"the quick brown fox "
    for cut in range(1, len(raw)):
        corpus = TokenCorpus(
            Given({"train": words + raw[:cut], "valid": raw[cut:] + words + raw[:cut], "test": raw[cut:] + words}), lm
        )
        plain = lm.encode(words.decode()).ids.tolist()
        assert all(tokens.tolist() == plain for tokens in corpus.splits().values())


def test_every_byte_of_wide_characters_is_counted(lm: LanguageModel) -> None:
    text = "aé漢😀" * 9
    corpus = TokenCorpus(Given(dict.fromkeys(("train", "valid", "test"), text.encode())), lm)
    first = len(text[: lm.encode(text).spans[0, 1]].encode())
    assert corpus.bytes_of("valid") == len(text.encode()) - first == 90 - first


def test_what_is_no_text_is_refused(lm: LanguageModel, tmp_path: Path) -> None:
    broken = {"train": b"plain text here", "valid": b"plain \xff text here", "test": b"plain text here"}
    with pytest.raises(SettingError, match=r"expected text in UTF-8; byte 6 of its valid split is not"):
        TokenCorpus(Given(broken), lm).splits()
    words = build_corpus({"name": "words", "context": 4, "batch_size": 2})
    with pytest.raises(SettingError, match=r"data=words: expected a text as bytes, .* this one comes as words"):
        TokenCorpus(words, lm)

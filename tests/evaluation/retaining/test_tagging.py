"""Parts of speech of tokens: the word that holds a token's first character decides, whatever the tokens are."""

import json
from collections.abc import Sequence
from pathlib import Path

import nltk
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nltk.tag import PerceptronTagger
from tiny_llama import byte_pairs
from transformers import PreTrainedTokenizerFast

from reattend.evaluation.retaining.tagging import Tagger, build_tagger
from reattend.evaluation.retaining.tagging.tokens import token_tags
from reattend.models.language.tokens import Bytes, Subwords, Words
from reattend.settings import SettingError


class Numbered(Tagger):
    """The tag of a word is the word in capitals."""

    def identity(self) -> str:
        return "numbered"

    def tag(self, words: Sequence[str]) -> list[str]:
        return [word.upper() for word in words]


def spans(*tokens: str) -> np.ndarray:
    ends = np.cumsum([len(token) for token in tokens])
    return np.stack([np.concatenate([[0], ends[:-1]]), ends], axis=1)


def tags(*tokens: str) -> list[str]:
    return token_tags("".join(tokens), spans(*tokens), Numbered())


def test_a_token_belongs_to_the_word_of_its_first_character() -> None:
    assert tags("The", " qu", "ick", " fox", "es", " ran") == ["THE", "QUICK", "QUICK", "FOXES", "FOXES", "RAN"]
    assert tags("do", "n't", " go") == ["DO", "N'T", "GO"]  # two words of the Penn Treebank
    assert tags("don", "'t", " go") == ["DO", "N'T", "GO"]
    assert tags("is it", " so") == ["IS", "SO"]


def test_line_feeds_blanks_and_marks_have_tags_of_their_own() -> None:
    assert tags("One", "\n", "\n", " ", " two") == ["ONE", "\\n", "\\n", "blank", "TWO"]
    assert tags("Go", "\n\n", "on", " \n") == ["GO", "\\n", "ON", "\\n"]
    assert tags('"', "Yes", "?", '"', " --", " he", ";", " (", "no", ")", " ...", " *") == [
        *("''", "YES", ".", "''", ":", "HE", ":", "(", "NO", ")", ":", "SYM")
    ]
    assert tags("It", " costs", " $", "3", ".5", ", ", "Mr", ".") == ["IT", "COSTS", "$", "3.5", "3.5", ",", "MR", "."]


def test_abbreviations_are_learnt_from_the_text() -> None:
    text = "Mr. Brown met Mr. Green. Then Mr. Brown saw Mr. Black. " * 30
    tokens = text[:24].split(" ")
    found = token_tags(text, spans(*(f"{token} " for token in tokens)), Numbered())
    assert found[0] == "MR." and found[4] == "GREEN"


def test_tokens_of_bytes_and_words() -> None:
    text = "Für 5 €\nja"
    found = token_tags(text, Bytes().encode(text).spans, Numbered())
    wanted = [*["FÜR"] * 4, "blank", "5", "blank", *["$"] * 3, "\\n", "JA", "JA"]
    assert found == wanted and len(text.encode()) == len(wanted)
    words = Words(["<eos>", "<unk>", "ja"], given="here")
    assert token_tags(text, words.encode(text).spans, Numbered()) == ["FÜR", "5", "$", "\\n", "JA"]


@given(text=st.text(alphabet="ab.,'\"`“”\n -()…€😀Ü1", min_size=1, max_size=60))
def test_any_text_has_a_tag_for_every_token(text: str) -> None:
    tokenizer = Subwords(PreTrainedTokenizerFast(tokenizer_object=byte_pairs()), given="here")
    for places in (Bytes().encode(text).spans, tokenizer.encode(text).spans):
        found = token_tags(text, places, Numbered())
        assert len(found) == len(places)
        for (start, stop), tag in zip(places, found, strict=True):
            piece = text[start:stop].lstrip(" ")
            assert stop == start or (tag == "blank") == (not piece)
            assert not piece.startswith("\n") or tag == "\\n"


def test_textblob_knows_the_tags_of_the_penn_treebank() -> None:
    tagger = build_tagger("textblob")
    assert tagger.tag(["The", "quick", "foxes", "jumped", "over", "his", "dog", "'s", "bed", "."]) == [
        *("DT", "JJ", "NNS", "VBD", "IN", "PRP$", "NN", "POS", "NN", ".")
    ]
    assert len(tagger.tag(["either/or", "&slash;", "and"])) == 3  # a slash is what TextBlob parts words and tags by
    assert tagger.identity().startswith("textblob 0.")


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """NLTK's folders: one that is empty."""
    monkeypatch.setattr(nltk.data, "path", [str(tmp_path)])
    return tmp_path


def test_nltk_without_its_weights(weights: Path) -> None:
    with pytest.raises(SettingError, match=r"task\.tagger=nltk: expected its weights.*nltk\.downloader"):
        build_tagger("nltk")


def test_nltk_with_weights(weights: Path) -> None:
    folder = weights / "taggers" / "averaged_perceptron_tagger_eng"
    folder.mkdir(parents=True)
    trained = PerceptronTagger(load=False)
    trained.train([[("dogs", "NNS"), ("bark", "VBP")], [("cats", "NNS"), ("purr", "VBP")]] * 5)
    for name, content in zip(("weights", "tagdict", "classes"), trained.encode_json_obj(), strict=True):
        content = sorted(content) if isinstance(content, set) else content
        (folder / f"{folder.name}.{name}.json").write_text(json.dumps(content), encoding="utf-8")
    assert build_tagger("nltk").tag(["dogs", "purr"]) == ["NNS", "VBP"]


def test_a_tagger_that_is_none() -> None:
    with pytest.raises(SettingError, match=r"task\.tagger=spacy: expected one of nltk, textblob"):
        build_tagger("spacy")

"""Moses tokens: by the rules of tokenizer.perl, and as fairseq's script made them of the IWSLT14 test set."""

import lzma
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reattend.data.parallel.moses import detokenise, lowercase, normalise, tokenise
from reattend.data.parallel.tagged import segments

IWSLT14 = Path(__file__).parents[2] / "../shared/data/iwslt14_de_en"
TESTS = ("TED.dev2010", "TEDX.dev2012", "TED.tst2010", "TED.tst2011", "TED.tst2012")

ENGLISH = {
    "It's Anna's cup, isn't it?": "It &apos;s Anna &apos;s cup , isn &apos;t it ?",
    "the 1990's and the '90s": "the 1990 &apos;s and the &apos; 90s",
    "Dr. Kim met Mr. B. at No. 5.": "Dr. Kim met Mr. B. at No. 5 .",  # titles keep their period, the last word does not
    "No. He left the U.S.": "No . He left the U.S .",  # `No.` is an abbreviation before a number alone
    "We ate bread, etc. and left.": "We ate bread , etc. and left .",  # before a small letter a period stays
    "She left. Then 1,000,000 came,": "She left . Then 1,000,000 came ,",
    "a,b,c 3,d": "a , b , c 3 , d",
    "Wait... what.. no": "Wait ... what .. no",
    "well-known (and/or) $5 & more": "well-known ( and / or ) $ 5 &amp; more",
    '"Yes|no" [<x>]': "&quot; Yes &#124; no &quot; &#91; &lt; x &gt; &#93;",
    "He said 'no.'": "He said &apos; no . &apos;",
    "a\u00a0b\t c\x07\x1cd\u2028e": "a b cd e",  # every blank is one, junk is none
    "the sign 東京駅 here": "the sign 東京駅 here",  # letters, whatever the script
    " ": "",
}
GERMAN = {
    "Anna's Hund läuft z.B. am 3. Mai.": "Anna &apos; s Hund läuft z.B. am 3. Mai .",
    "Am 12. Tag aß Prof. Öz bzw. Frau Öz 3,5 Äpfel usw.": "Am 12. Tag aß Prof. Öz bzw. Frau Öz 3,5 Äpfel usw .",
    "„Das war 1989.“": "„ Das war 1989 . “",
    "Punkt. Neu. aber. Nein.": "Punkt . Neu. aber . Nein .",
}


@pytest.mark.parametrize(("line", "tokens"), ENGLISH.items())
def test_english_by_the_rules(line: str, tokens: str) -> None:
    assert tokenise(line, language="en") == tokens


@pytest.mark.parametrize(("line", "tokens"), GERMAN.items())
def test_german_by_the_rules(line: str, tokens: str) -> None:
    assert tokenise(line, language="de") == tokens


def test_aggressive_splits_between_letters_and_digits_alone() -> None:
    found = tokenise("a well-known 4-year plan -- x- -y 東-京", language="en", aggressive=True)
    assert found == "a well @-@ known 4 @-@ year plan -- x- -y 東 @-@ 京"


@pytest.mark.parametrize(
    ("line", "language"),
    [
        ("It's Anna's cup (blue), isn't it?", "en"),
        ('He said "no" & left at 5,300 & 3.5%.', "en"),
        ('Sie sagte: "Nein", und ging [wieder] zu.', "de"),
    ],
)
def test_detokenise_undoes_tokenise(line: str, language: str) -> None:
    assert detokenise(tokenise(line, language=language), language=language) == line


def test_a_split_hyphen_is_joined_again() -> None:
    assert detokenise("a well @-@ known plan", language="en") == "a well-known plan"


@given(st.text())
def test_tokens_hold_every_visible_character_once(line: str) -> None:
    tokens = tokenise(line, language="en")
    for escaped, plain in {"&#124;": "|", "&lt;": "<", "&gt;": ">", "&apos;": "'", "&quot;": '"'}.items():
        tokens = tokens.replace(escaped, plain)
    tokens = tokens.replace("&#91;", "[").replace("&#93;", "]").replace("&amp;", "&")
    visible = [c for c in line if not c.isspace() and not c < " "]
    assert [c for c in tokens if c != " "] == visible
    assert tokens == " ".join(tokens.split(" ")) and not tokens.startswith(" ")


def test_lowercase_takes_each_letter_by_itself() -> None:
    assert lowercase("ÄRA ΣΟΦΟΣ") == "ära σοφοσ"  # `str.lower` would end the word in another letter


def test_normalise() -> None:
    assert normalise("„Ja“ – gut…\u200b", language="de") == '"Ja" - gut...'
    assert normalise("( so ) ‘x’ a : b", language="en") == "(so) 'x\" a: b"  # as the Perl script has it


@pytest.mark.skipif(not IWSLT14.exists(), reason="the shared data is not here")
@pytest.mark.parametrize("language", ["de", "en"])
def test_the_iwslt14_test_set_to_the_byte(language: str) -> None:
    def lines(name: str) -> list[str]:
        return lzma.decompress((IWSLT14 / name).read_bytes()).decode().split("\n")

    files = (f"orig_xml/IWSLT14.{name}.de-en.{language}.xml.xz" for name in TESTS)
    plain = [segment for file in files for segment in segments(lines(file))]
    assert [lowercase(tokenise(line, language=language)) for line in plain] == lines(f"tok/test.{language}.xz")[:-1]

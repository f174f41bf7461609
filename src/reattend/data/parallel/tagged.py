"""Sentences between tags, as the WIT3 and WMT campaigns publish them, read line by line as fairseq's scripts do.

Entities such as `&amp;` stay as they are: those scripts leave them, and numbers were published with them.
"""

import re
from collections.abc import Iterable

_NO_TALK = re.compile(r"<url>|<talkid>|<keywords>")
_HEADING = re.compile(r"</?(?:title|description)>")
_BEFORE, _AFTER = re.compile(r'<seg id="[0-9]*">\s*'), re.compile(r"\s*</seg>\s*")


def transcript(lines: Iterable[str]) -> list[str]:
    """Of a `train.tags` file: what is said, and the text of titles and descriptions."""
    return [_HEADING.sub("", line).strip() for line in lines if not _NO_TALK.search(line)]


def segments(lines: Iterable[str]) -> list[str]:
    """Of an XML or SGML file: the text of each `<seg>`, with an ASCII apostrophe for the right single quote."""
    return [_AFTER.sub("", _BEFORE.sub("", line)).replace("’", "'").strip() for line in lines if "<seg id" in line]

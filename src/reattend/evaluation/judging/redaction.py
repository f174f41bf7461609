"""A key is taken out of what a server says, in whatever form it comes back.

A server may repeat it as it is or escaped: in JSON (`\\/`, `\\u002f`), in a URL (`%2F`), in HTML (`&#47;`), also twice
over. So a key is looked for character by character, each as itself or as any of its escapes.
"""

import html
import re

SHOWN = "[key]"


def pattern(key: str) -> re.Pattern[str]:
    """What finds `key`, which is printable ASCII, in a text."""
    return re.compile("".join(_any_form(character) for character in key))


def _any_form(character: str) -> str:
    code = ord(character)
    forms = [
        rf"\\{{0,8}}{re.escape(character)}",  # bounded, or a text of backslashes takes for ever
        rf"\\{{1,8}}(?i:u00{code:02x})",
        rf"%(?:25)*(?i:{code:02x})",
        rf"&(?:amp;)*\#(?:0*{code}|(?i:x0*{code:x}));",
    ]
    named = html.escape(character)
    if named != character:
        forms.append(re.escape(named))
    return f"(?:{'|'.join(forms)})"

"""Writing systems, alphabets and general categories, by Unicode's names."""

from __future__ import annotations

import unicodedata
from functools import cache

from .surface import Is, cat, every, name, of, some
from .tokens import Says, Verdict

SCRIPTS = """latin greek cyrillic armenian hebrew arabic syriac thaana devanagari bengali
    gurmukhi gujarati oriya tamil telugu kannada malayalam sinhala thai lao tibetan
    myanmar georgian hangul ethiopic cherokee khmer mongolian hiragana katakana bopomofo
    han braille gothic runic coptic tifinagh balinese javanese""".split()
INDIC = "devanagari bengali gurmukhi gujarati oriya tamil telugu kannada malayalam".split()
CATEGORIES = "Lu Ll Lo Lm Mn Mc Nd No Nl Pd Ps Pe Pi Pf Po Pc Sc Sm Sk So Co".split()


@cache
def script_of(character: str) -> str | None:
    """The script of a letter by the beginning of its name; None where that does not tell."""
    if cat(character) not in ("Lu", "Ll", "Lt", "Lo"):
        return "braille" if name(character).startswith("BRAILLE") else None
    words = name(character).split()
    if words[:1] and words[0] in ("FULLWIDTH", "HALFWIDTH"):
        words = words[1:]
    if words[:2] in (["CJK", "UNIFIED"], ["CJK", "COMPATIBILITY"], ["CJK", "IDEOGRAPH"]):
        return "han"
    script = words[0].lower() if words else ""
    return script if script in SCRIPTS or script in _OTHERS else None


_OTHERS = (
    "yi vai canadian nko samaritan mandaic buginese tai cham lisu glagolitic ogham tagalog".split()
)


@cache
def scripts_of(word: str) -> frozenset[str | None]:
    """The scripts of a word's characters; none where one is of ASCII and no letter.

    Kept, since a word is asked of each of forty scripts.
    """
    if any(c.isascii() and not c.isalpha() for c in word):
        return frozenset()
    return frozenset(map(script_of, word))


def written(*scripts: str) -> Says:
    """Letters of some scripts; open where there is a character that its name does not place."""
    allowed = {None, *scripts}

    def test(word: str) -> Verdict:
        found = scripts_of(word)
        if not found or not found <= allowed:
            return False
        return None if None in found else True

    return of(test)


def cjk(word: str) -> Verdict:
    of_it = ("han", "hiragana", "katakana", "hangul", "bopomofo")
    if not word or any(c.isascii() for c in word):
        return False
    if all(script_of(c) in of_it or _wide(c) for c in word):
        return True
    return None if any(script_of(c) is None for c in word) else False


def _wide(c: str) -> bool:
    """Punctuation of Chinese and Japanese, and the full-width forms."""
    return "\u3001" <= c <= "\u303f" or "\uff01" <= c <= "\uffee"


def cjk_mark(c: str) -> bool:
    return cat(c)[0] in "PS" and _wide(c)


def latin_beyond_ascii(word: str) -> Verdict:
    """Holds a letter called Latin that is not ASCII; open for what else may be of the script."""
    if any(script_of(c) == "latin" and not c.isascii() for c in word):
        return True
    return None if any(script_of(c) is None and not c.isascii() for c in word) else False


def accented(bases: str, *marks: str) -> set[str]:
    """Letters with marks above or below, in both cases."""
    composed = {unicodedata.normalize("NFC", base + mark) for base in bases for mark in marks}
    return composed | {each.upper() for each in composed}


ACUTE, GRAVE, CIRCUMFLEX, DIAERESIS, TILDE = "\u0301", "\u0300", "\u0302", "\u0308", "\u0303"
CEDILLA, CARON, OGONEK, RING, BREVE = "\u0327", "\u030c", "\u0328", "\u030a", "\u0306"
DOUBLE_ACUTE, DOT, HOOK, DOT_BELOW, HORN, COMMA_BELOW = (
    "\u030b", "\u0307", "\u0309", "\u0323", "\u031b", "\u0326",
)  # fmt: skip
_VIETNAMESE = {
    unicodedata.normalize("NFC", base + tone)
    for base in "aăâeêioôơuưy"
    for tone in ("", GRAVE, HOOK, TILDE, ACUTE, DOT_BELOW)
} - set("aeiouy")
LETTERS: dict[str, set[str]] = {
    "german": accented("aou", DIAERESIS) | set("ßẞ"),
    "french": accented("aeu", GRAVE) | accented("aeiou", CIRCUMFLEX) | accented("eiuy", DIAERESIS)
    | accented("e", ACUTE) | accented("c", CEDILLA) | set("æÆœŒ"),
    "spanish": accented("aeiou", ACUTE) | accented("n", TILDE) | accented("u", DIAERESIS),
    "portuguese": accented("aeiou", ACUTE) | accented("aeo", CIRCUMFLEX) | accented("ao", TILDE)
    | accented("a", GRAVE) | accented("c", CEDILLA),
    "polish": accented("cnosz", ACUTE) | accented("ae", OGONEK) | accented("z", DOT) | set("łŁ"),
    "czech": accented("aeiouy", ACUTE) | accented("cdenrstz", CARON) | accented("u", RING),
    "turkish": accented("aiu", CIRCUMFLEX) | accented("ou", DIAERESIS) | accented("cs", CEDILLA)
    | accented("g", BREVE) | set("ıİ"),
    "nordic": accented("ao", DIAERESIS) | accented("a", RING) | accented("aeiouy", ACUTE)
    | set("æÆøØðÐþÞ"),
    "hungarian": accented("aeiou", ACUTE) | accented("ou", DIAERESIS, DOUBLE_ACUTE),
    "vietnamese": _VIETNAMESE | {each.upper() for each in _VIETNAMESE} | set("đĐ"),
    "romanian": accented("a", BREVE, CIRCUMFLEX) | accented("i", CIRCUMFLEX)
    | accented("st", CEDILLA, COMMA_BELOW),
}  # fmt: skip


def category(kind: str) -> Is:
    return lambda c: cat(c) == kind


UNICODE: dict[str, Says] = {
    "letters": every(lambda c: cat(c)[0] == "L"),
    "ascii_letters": every(lambda c: "a" <= c <= "z" or "A" <= c <= "Z"),
    "non_ascii": some(lambda c: ord(c) > 127),
    "non_ascii_letters": some(lambda c: ord(c) > 127 and cat(c)[0] == "L"),
    "accented_latin": of(latin_beyond_ascii),
    **{f"script:{each}": written(each) for each in SCRIPTS},
    "japanese_kana": written("hiragana", "katakana"),
    "cjk": of(cjk),
    "cjk_punctuation": every(cjk_mark),
    "indic_scripts": written(*INDIC),
    "arabic_letters_persian_urdu": some(lambda c: c in "پچژگکیےںٹڈڑھہۂۃ"),
    "cyrillic_ukrainian": some(lambda c: c.lower() in "іїєґў"),
    **{f"letters:{each}": some(found.__contains__) for each, found in LETTERS.items()},
    **{f"category:{each}": every(category(each)) for each in CATEGORIES},
}

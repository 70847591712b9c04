"""What tokens look like, said once more by `unicodedata`: categories, names, normal forms."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import cache
from itertools import pairwise

from .tokens import Says, Token, Verdict

Is = Callable[[str], bool]
"""Whether a character is of a kind."""


@cache
def cat(character: str) -> str:
    return unicodedata.category(character)


@cache
def name(character: str) -> str:
    return unicodedata.name(character, "")


def letter(c: str) -> bool:
    return cat(c)[0] == "L"


def mark(c: str) -> bool:
    return cat(c)[0] in "PS"


def lower(c: str) -> bool:
    return cat(c) == "Ll"


def capital(c: str) -> bool:
    return cat(c) in ("Lu", "Lt")


def upper(c: str) -> bool:
    return cat(c) == "Lu"


def body(c: str) -> bool:
    return cat(c)[0] in "LNM"


def start(c: str) -> bool:
    return cat(c)[0] in "LN"


def ascii_digit(c: str) -> bool:
    return "0" <= c <= "9"


def every(test: Is) -> Says:
    return lambda token: bool(token.word) and all(map(test, token.word))


def some(test: Is) -> Says:
    return lambda token: any(map(test, token.word))


def spaced(says: Says) -> Says:
    return lambda token: token.spaced and says(token)


def bare(says: Says) -> Says:
    return lambda token: not token.spaced and says(token)


def sized(says: Says, least: int, most: int = 10**6) -> Says:
    return lambda token: least <= len(token.word) <= most and says(token)


def alone(test: Is) -> Says:
    """Punctuation and symbols only, one of them of a kind."""
    return lambda token: (
        bool(token.word) and all(map(mark, token.word)) and any(map(test, token.word))
    )


def form_of(*marks: str) -> Is:
    """One of some marks of ASCII, or its full-width or small form."""

    def test(c: str) -> bool:
        wide = name(c).startswith(("FULLWIDTH", "SMALL"))
        return c in marks or (wide and unicodedata.normalize("NFKC", c) in marks)

    return test


def called(*words: str, but: tuple[str, ...] = ("\0",), kinds: str = "P") -> Is:
    """Punctuation whose name in Unicode has one of some words."""
    return lambda c: (
        cat(c)[0] in kinds
        and any(each in name(c) for each in words)
        and not any(each in name(c) for each in but)
    )


def capital_then(rest: Is, least: int) -> Says:
    return lambda token: (
        len(token.word) > least and capital(token.word[0]) and all(map(rest, token.word[1:]))
    )


def first(test: Is, rest: Is = lambda c: True) -> Says:
    return lambda token: bool(token.word) and test(token.word[0]) and all(map(rest, token.word[1:]))


def whole(test: Callable[[str], Verdict]) -> Says:
    """A statement of the whole text, its leading space included."""
    return lambda token: test(token.text)


def of(test: Callable[[str], Verdict]) -> Says:
    return lambda token: test(token.word)


def number(low: int, high: int) -> Says:
    def test(word: str) -> bool:
        plain = word.isascii() and word.isdigit() and word[0] != "0"
        return plain and low <= int(word) <= high

    return of(test)


def turn(before: Is, after: Is) -> Callable[[str], bool]:
    return lambda word: any(before(a) and after(b) for a, b in pairwise(word))


def repeated(test: Is, least: int = 2) -> Says:
    return lambda token: (
        len(token.word) >= least and len(set(token.word)) == 1 and test(token.word[0])
    )


def ends_with_marks(word: str) -> bool:
    stripped = word
    while stripped and mark(stripped[-1]):
        stripped = stripped[:-1]
    return stripped != word and bool(stripped) and body(stripped[-1])


def begins_with_marks(word: str) -> bool:
    stripped = word
    while stripped and mark(stripped[0]):
        stripped = stripped[1:]
    return stripped != word and bool(stripped) and start(stripped[0])


def hyphenated(word: str) -> bool:
    parts = re.split("[-\u2010\u2011]", word)
    letters = all(all(cat(c)[0] in "LM" for c in part) for part in parts)
    return len(parts) == 2 and letters and bool(parts[1])


def brackets(word: str, these: Is, those: Is) -> bool:
    return all(map(mark, word)) and any(map(these, word)) and not any(map(those, word))


def opening(c: str) -> bool:
    return (cat(c) == "Ps" and c not in "‚„〝") or c == "<"


def closing(c: str) -> bool:
    return (cat(c) == "Pe" and c not in "〞〟") or c == ">"


def any_opening(c: str) -> bool:
    """What no closing bracket stands with: brackets, not quotes."""
    return (cat(c) == "Ps" and c not in "‚„") or c == "<"


def any_closing(c: str) -> bool:
    return cat(c) == "Pe" or c == ">"


_ENDS = set("!.?。！？．｡।॥؟۔።፧។။‼⁇⁈⁉…")


def sentence_end(word: str) -> Verdict:
    """Marks that surely end sentences; none where others might."""
    head = word
    while head and (cat(head[-1]) in ("Pe", "Pf") or head[-1] in "\"'"):
        head = head[:-1]
    if head and all(c in _ENDS for c in head):
        return True
    sure = (
        any(not mark(c) for c in word)
        or not word
        or all(c.isascii() and c not in "!.?" for c in word)
    )
    return False if sure else None


def emoji(word: str) -> Verdict:
    if any("\U0001f400" <= c <= "\U0001f4fc" or "\U0001f600" <= c <= "\U0001f64f" for c in word):
        return True
    plain = all(c.isascii() or (cat(c)[0] in "LNMZP" and c not in "ℹ〰〽") for c in word)
    return False if plain else None


def quotation(c: str) -> bool:
    known = ("QUOTATION MARK", "APOSTROPHE", "CORNER BRACKET")
    return (
        cat(c)[0] == "P"
        and any(each in name(c) for each in known)
        and ("ARMENIAN" not in name(c) and "ORNAMENT" not in name(c))
    )


def arrow(c: str) -> bool:
    """By name, in the blocks of arrows."""
    block = "\u2190" <= c <= "\u21ff" or "\u2794" <= c <= "\u27be" or "\u27f0" <= c <= "\u27ff"
    block |= "\u2900" <= c <= "\u297f" or "\u2b00" <= c <= "\u2bb9" or "\uffe9" <= c <= "\uffec"
    return block and any(each in name(c) for each in ("ARROW", "HARPOON", "FISH TAIL"))


def opens_quote(text: str) -> Verdict:
    word = text.removeprefix(" ")
    if not word or not all(map(mark, word)):
        return False
    if text[0] == " " and word[0] in "\"'":
        return True
    return any(cat(c) == "Pi" or c in "‚„「『〝｢" for c in word)


def closes_quote(token: Token) -> Verdict:
    quotes = {c for c in token.word if c in "\"'」』〞〟｣" or cat(c) == "Pf"}
    if token.spaced or not quotes or not all(map(mark, token.word)):
        return False
    return True if set(token.word) <= quotes else None


def spaces(low: int, odd: bool = False) -> Says:
    return whole(lambda text: text == " " * len(text) and len(text) >= low and len(text) % 2 >= odd)


def blank(c: str) -> bool:
    return cat(c)[0] == "Z" or c in "\t\n\v\f\r\x1c\x1d\x1e\x1f\x85"


def vowel(word: str) -> bool:
    """A letter that is a vowel without what stands on it."""
    plain = unicodedata.normalize("NFD", word)[:1].lower()
    return len(word) == 1 and letter(word) and plain in set("aeiouæøœı")


def maths(word: str) -> Verdict:
    """Open for most of the signs: which of them are of mathematics is for a person to say."""
    if len(word) == 1 and word in "+=<>−×÷±√∞∑∏∫≤≥≠≈∈⊂∪∩∀∃→":
        return True
    signs = bool(word) and all(mark(c) for c in word)
    return None if signs and (len(word) == 1 or word in ("<=", ">=", "==", "!=", "+/-")) else False


_ENDINGS = """ville burg burgh bury borough shire ton town ford field ham port mouth land stead wick
    dale grad stan abad pur berg heim haven""".split()
_ENDINGS_ALONE = {f"{s}{each}" for s in ("", "s") for each in _ENDINGS[:4] + _ENDINGS[6:10]}
_ENDINGS_ALONE |= {*_ENDINGS, "sborough", "ington", "opolis"}
_NO_PLACES = set(
    """Button Cotton Carton Skeleton Proton Photon Badminton Wanton Simpleton Baton Downtown
    Hometown Import Export Report Support Transport Passport Airport Sport Deport Rapport
    Motorsport Battlefield Minefield Outfield Midfield Island Homeland Farmland Woodland Grassland
    Wasteland Inland Mainland Highland Upland Instead Homestead Afford Iceberg Candlewick
    Lumpur""".split()
)


def place(text: str) -> bool:
    """A name of small letters after its capital that ends as places do, or such an ending alone."""
    word = text.removeprefix(" ")
    head = next((word[: -len(e)] for e in [*_ENDINGS, "polis"] if word.endswith(e)), "")
    named = len(head) > 1 and "A" <= head[0] <= "Z" and word not in _NO_PLACES
    small = word.isascii() and word[1:].isalpha() and word[1:].islower()
    return (named and small) or text in _ENDINGS_ALONE


_BREAK = "\n\r"
_VOWELS = set("aeiou")
_LAUGHTER = re.compile("(ha)+|(he)+|l+o+l+|[ahox]+d*|h+m+|a+w+|u+g*h+")

SURFACE: dict[str, Says] = {
    "vowels": of(vowel),
    "consonants": of(
        lambda w: len(w) == 1 and w.lower() in "bcdfghjklmnpqrstvwxyz" and w.isascii()
    ),
    "maths_signs": of(maths),
    "place_names_by_ending": whole(place),
    "leading_space": whole(lambda text: text[:1] == " "),
    "no_leading_space": bare(first(start)),
    "no_leading_space_lower": bare(first(lower, letter)),
    "no_leading_space_capital": bare(first(capital, letter)),
    "space_before_punctuation": spaced(every(mark)),
    "space_before_digits": spaced(every(lambda c: cat(c) == "Nd")),
    "lower_case_word": every(lower),
    "lower_case_after_space": spaced(every(lower)),
    "starts_with_capital": first(capital),
    "title_case": capital_then(lower, 1),
    "title_case_after_space": spaced(capital_then(lower, 1)),
    "all_capitals": sized(every(upper), 2),
    "all_capitals_after_space": spaced(sized(every(upper), 2)),
    "acronym_length": spaced(sized(every(upper), 2, 5)),
    "single_capital": sized(every(capital), 1, 1),
    "single_lower_case": sized(every(lower), 1, 1),
    "mixed_case": lambda t: all(map(letter, t.word)) and turn(lower, upper)(t.word),
    "digits": every(ascii_digit),
    "digits_after_space": spaced(every(ascii_digit)),
    "digits_without_space": bare(every(ascii_digit)),
    **{f"digits_{n}": sized(every(ascii_digit), n, n) for n in (1, 2, 3, 4)},
    "digits_5_or_more": sized(every(ascii_digit), 5),
    "digits_leading_zero": lambda t: len(t.word) > 1 and t.word[0] == "0" and every(ascii_digit)(t),
    "digits_round": lambda t: number(10, 10**99)(t) and int(t.word) % 10 == 0,
    "digits_hundreds": lambda t: number(100, 10**99)(t) and int(t.word) % 100 == 0,
    "digits_ending_in_5": lambda t: every(ascii_digit)(t) and t.word[1:].endswith("5"),
    "digits_ending_in_9": lambda t: every(ascii_digit)(t) and t.word[1:].endswith("9"),
    "digits_repeated": repeated(ascii_digit),
    "days_of_month": number(1, 31),
    "numbers_32_to_99": number(32, 99),
    "numbers_100_to_999": number(100, 999),
    "contains_digit": lambda t: some(ascii_digit)(t) and not every(ascii_digit)(t),
    "non_ascii_digits": every(lambda c: cat(c)[0] == "N" and not c.isascii()),
    "percent": some(called("PERCENT SIGN")),
    "punctuation": every(mark),
    "ascii_punctuation": every(lambda c: c.isascii() and mark(c)),
    "non_ascii_punctuation": every(lambda c: cat(c)[0] == "P" and not c.isascii()),
    "ends_with_punctuation": of(ends_with_marks),
    "starts_with_punctuation": of(begins_with_marks),
    "sentence_ends": of(sentence_end),
    "question_marks": alone(called("QUESTION MARK", "QUESTION EXCLAMATION")),
    "exclamation_marks": alone(called("EXCLAMATION")),
    "full_stops": lambda t: (
        called("FULL STOP")(t.word[:1] or "a")
        and all(cat(c) in ("Pe", "Pf") or c in "\"'>" for c in t.word[1:])
    ),
    "ellipses": of(lambda w: all(map(mark, w)) and ("..." in w or "…" in w or "⋯" in w)),
    "commas": alone(called("COMMA", but=("QUOTATION",))),
    "semicolons": alone(called("SEMICOLON")),
    "colons": alone(called("COLON", but=("SEMICOLON",))),
    "dashes": of(lambda w: all(map(mark, w)) and (bool(set(w) & set("–—―⸺⸻")) or "--" in w)),
    "em_dashes": alone(lambda c: name(c) == "EM DASH"),
    "hyphens": of(lambda w: all(map(mark, w)) and sum(c in "-‐‑﹣－" for c in w) == 1),
    "hyphenated": of(hyphenated),
    "rules_and_lines": repeated(lambda c: c in "-=_*~#+.─━═", 3),
    "quotes": alone(quotation),
    "double_quotes": alone(lambda c: c == '"'),
    "single_quotes": alone(lambda c: c == "'"),
    "curly_quotes": alone(lambda c: "\u2018" <= c <= "\u201f"),
    "opening_quotes": whole(opens_quote),
    "closing_quotes": closes_quote,
    "quote_then_word": lambda t: (
        len(t.word) > 1 and quotation(t.word[0]) and all(map(body, t.word[1:]))
    ),
    "backticks": some(form_of("`")),
    "opening_brackets": of(lambda w: brackets(w, opening, any_closing)),
    "closing_brackets": of(lambda w: brackets(w, closing, any_opening)),
    **{
        f"{which}_{shape}": of(
            lambda w, one=pair[i], other=pair[1 - i]: brackets(w, form_of(one), form_of(other))
        )
        for shape, pair in (("round", "()"), ("square", "[]"), ("curly", "{}"))
        for i, which in enumerate(("opening", "closing"))
    },
    "angle_brackets": alone(
        lambda c: c in "<>＜＞" or ("ANGLE BRACKET" in name(c) and c in "〈〉《》⟨⟩") or c in "«»‹›"
    ),
    "empty_brackets": of(lambda w: any(each in w for each in ("()", "[]", "{}", "<>"))),
    "bracket_then_word": lambda t: (
        len(t.word) > 1 and opening(t.word[0]) and all(map(body, t.word[1:]))
    ),
    "currency_signs": some(lambda c: cat(c) == "Sc"),
    "slashes": alone(form_of("/")),
    "backslashes": alone(form_of("\\")),
    "vertical_bars": alone(lambda c: c in "|¦│｜"),
    "asterisks": alone(form_of("*")),
    "hash_signs": alone(form_of("#")),
    "at_signs": some(form_of("@")),
    "ampersands": some(form_of("&")),
    "underscores": some(form_of("_")),
    "plus_and_minus": every(lambda c: form_of("+", "-", "=")(c) or c in "±−×÷"),
    "equals_signs": alone(form_of("=")),
    "tildes_and_carets": alone(form_of("~", "^")),
    "math_symbols": every(lambda c: cat(c) == "Sm" and not c.isascii()),
    "arrows": some(arrow),
    "bullets": some(lambda c: c in "•‣◦▪▫●○■□►▶★☆✓✔✗✦·∙"),
    "legal_signs": some(lambda c: c in "©®™℠℗§¶°†‡№"),
    "box_drawing": some(lambda c: name(c).startswith("BOX DRAWINGS") or "\u2580" <= c <= "\u259f"),
    "emoji": of(emoji),
    "whitespace": whole(lambda text: bool(text) and all(map(blank, text))),
    "spaces": spaces(1),
    "spaces_many": spaces(4),
    "indentation_odd": spaces(1, odd=True),
    "newlines": whole(lambda text: bool(set(text) & set(_BREAK))),
    "newlines_only": whole(lambda text: bool(set(text) & set(_BREAK)) and all(map(blank, text))),
    "paragraph_breaks": whole(
        lambda text: any(not part.strip() for part in text.split("\n")[1:-1])
    ),
    "text_then_newline": whole(lambda text: text[-1:] == "\n" and bool(text.strip())),
    "tabs": whole(lambda text: "\t" in text),
    "carriage_returns": whole(lambda text: "\r" in text),
    "control_characters": some(lambda c: cat(c) == "Cc" and c not in "\t\n\v\f\r\x85"),
    "invisible_characters": some(lambda c: cat(c) in ("Cf", "Zl", "Zp", "Zs") and c != " "),
    "replacement_character": some(lambda c: name(c) == "REPLACEMENT CHARACTER"),
    "repeated_character": repeated(lambda c: not blank(c)),
    "repeated_letter": repeated(letter),
    "repeated_punctuation": repeated(mark),
    "repeated_long": repeated(lambda c: not blank(c), 8),
    "repeated_pair": of(
        lambda w: (
            len(w) >= 4
            and len(w) % 2 == 0
            and w == w[:2] * (len(w) // 2)
            and not any(map(blank, w))
        )
    ),
    "stretched_word": of(
        lambda w: all(map(letter, w)) and len(set(w)) > 1 and any(c * 3 in w for c in set(w))
    ),
    "laughter": of(lambda w: None if _LAUGHTER.fullmatch(w.lower()) and len(w) > 1 else False),
    "no_vowels": of(
        lambda w: (
            len(w) > 2 and w.isascii() and w.isalpha() and not set(w.lower()) & (_VOWELS | {"y"})
        )
    ),
    "only_vowels": of(lambda w: len(w) > 1 and set(w.lower()) <= _VOWELS),
    "years": number(1000, 2099),
    "years:19th_century": number(1800, 1899),
    "years:20th_century": number(1900, 1999),
    "years:21st_century": number(2000, 2099),
}

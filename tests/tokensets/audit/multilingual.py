"""A vocabulary of every script, made from Unicode itself: the audit needs no download."""

from __future__ import annotations

import sys
import unicodedata
from functools import cache
from itertools import product

from unembed import Vocabulary

from .closed import CLOSED, FUNCTION_WORDS, NO_WORDS

_LONG_AGO = unicodedata.ucd_3_2_0
"""What a character was in Unicode 3.2 and still is, every later version calls the same: those of
Python and of polars differ in others."""
_OF_A_KIND = 6
"""Characters taken of each general category of each script."""

_WORDS = """José Pokémon Đorđe Šibenik Žižek Ángel Édouard Çelik Übung Straße STRASSE groß
    Ölaf Ærø Øresund Łódź ŁÓDŹ Ångström naïve café Ελλάδα ΕΛΛΑΣ ος ΟΣ λόγος Москва москва
    МОСКВА ещё Київ їжак İstanbul ISTANBUL istanbul ısı ǅungla ǆungla Ǆ ǅ ǆ ﬁn ﬂo Ａ Ｂｃ ａｂ
    １ １２ ½ ¼ ² ³ x² Ⅷ ⅷ ① ١٢ ۴ १२ ๓ × ÷ ªº µm K Å ſo ʰ ʻ ß ẞ 日本 日本語 中国 ひらがな
    カタカナ ラーメン 々 〇
    한국 한국어 العربية مرحبا، پارسی گچ हिन्दी में नमस्ते। বাংলা தமிழ் ไทย ภาษา עברית
    יִשְׂרָאֵל ქართული ᲡᲐᲥᲐᲠᲗᲕᲔᲚᲝ հայերեն አማርኛ ខ្មែរ မြန်မာ ᏣᎳᎩ ꮳꮃ Việt NGƯỜI người ÀÁ
    e\u0301 E\u0301cole a\u0300b \u0301 \u200b \u200d \ufeff \u00a0 \u3000 \u2028 🙂 👍🏽
    👩\u200d💻 🇫🇷 ❤ ★ → ⇒ ⬛ ⬆ ∑ ≤ € £ ₹ ﷼ ￥ ™ © № § „Wort“ «mot» “word” ‘a’ ’s ‚x‛ 「語」 『本』
    （a） 【a】 《a》 ⟨a⟩ ￢ 。 、 ， ！ ？ ： ； ． ｡ ｢ ｣ ؟ ؛ ، ۔ ॥ ። ፣ ՞ ¿ ¡ ‽ ⁇
    ⁉ … .. ... .... …… ⋯ —
    – ― -- --- —— ‐ ‑ a-b -a a- a-b-c 3-D -1 _ __ _a a_b ＿ a. a! a1 1a 1. a, ab; ½. में।
    .a ,b ⲁⲃⲅ ⵜⵉⴼ ᬩᬮᬶ ꦗꦮ ½½ ²² ⅧⅧ aaa xxx XX VVV baaa baaab aaab ٣٣ ひひ ハハハ !!! ,,, ~~ ===
    ●● ●●● 1111 00 007 1900s""".split()

_ENGLISH = """the and can will website a i I us US may May MAY john John Mark bear Bear
    bears Turkey turkey Washington Delhi Paris apology biology Biology technology botany
    one two three ten January Monday Mondays he him his she her they them would should
    must not don doesn didn isn re de th wh ing tion ombs ness happiness unhappy undo
    unlucky un rewrite blog blogs email smartphone gamer Smith Google eBay iPhone
    camelCase PascalCase CONST_CASE kebab-case snake_case of OF Of off gone go went child
    children lol haha hmm brr aeiou eau www dd DDD xd bigger biggest better best going
    half to there which who whose how celebration independence recommended acknowledgement
    international characteristic communications responsibilities aaaaaaaaa ---------
    ================================ \ue000\ue001""".split()

_OTHER = """Januar Februar März Mai Juni Juli Oktober Dezember janvier février avril juin juillet
    août septembre octobre novembre décembre enero febrero marzo nausea fever usable visible bible
    Nashville Brighton Pakistan Button Island ville shire sburg burg wick ∑ ∂ ≤ != +/- <=
    THE THIS EVERY""".split()
"""Two calendars that a vocabulary knows, one that it does not; what the kinds made by hand hold."""

_TRAPS = [
    "",
    " ",
    "  ",
    "   ",
    "\n",
    "\n\n",
    "\r\n",
    "\r",
    "\t",
    " \n",
    "a\n",
    ".\n",
    "\n1",
    "1\n",
    "\x00",
    "\x1c",
]
_MARKS = ".,;:!?'\"()[]{}<>-_/\\|@#$%^&*+=~`"


_PIECES = ("out", "over")
_AFTER = """lived numbered spoken grown last play weigh bid cast fit ran shine joyed turn whelm
    taken heard powered looked sized""".split()


def _merged(*words: str) -> list[str]:
    """Each word's beginnings, from two characters on: as BPE comes to have it."""
    return [word[:stop] for word in words for stop in range(2, len(word) + 1)]


def _samples() -> list[str]:
    """A few characters of each general category of each script, by the first word of their name."""
    taken: dict[tuple[str, str], list[str]] = {}
    for point in range(0xA0, sys.maxunicode + 1):
        character = chr(point)
        kind = unicodedata.category(character)
        if kind in ("Cs", "Co") or kind != _LONG_AGO.category(character):
            continue
        name = unicodedata.name(character, kind).split()[0]
        few = taken.setdefault((name, kind), [])
        if len(few) < _OF_A_KIND and (len(name) > 1 or not few):
            few.append(character)
    return [character for few in taken.values() for character in few]


@cache
def multilingual() -> Vocabulary:
    """Return some 17,000 tokens, whole words, pieces, single bytes and parts of characters."""
    samples = _samples()
    letters = [each for each in samples if unicodedata.category(each)[0] == "L"]
    closed = [word for words in CLOSED.values() for word in words.split()]
    texts = [*_TRAPS, *_WORDS, *_ENGLISH, *_OTHER, *closed, *FUNCTION_WORDS, *NO_WORDS]
    texts += [*map(chr, range(0x20, 0x250)), *samples]
    texts += [each * 3 for each in samples[::3]]
    texts += [*_merged(*(f" {piece}" for piece in _PIECES)), *_merged(*_AFTER)]
    texts += [each.upper() for each in letters] + [each.title() + each for each in letters]
    texts += [f"{each}a" for each in samples[::2]] + [f"a{each}" for each in samples[::2]]
    texts += ["".join(pair) for pair in product(_MARKS, repeat=2)]
    texts += [f"{mark}word" for mark in _MARKS] + [f"word{mark}" for mark in _MARKS]
    texts += [str(number) for number in (*range(120), *range(1780, 2110), 10_000, 123_456)]
    raw = [text.encode() for text in dict.fromkeys(texts)]
    raw += [b" " + each for each in raw]
    raw += [bytes([byte]) for byte in range(0x80, 0x100)]
    raw += [piece[:cut] for piece in ("é日🙂".encode(),) for cut in (1, 3, 4, 6, 8)]
    raw += ["日".encode()[1:], "🙂".encode()[2:], b"a\xe6\x97", b" \xf0\x9f"]
    pieces = dict(enumerate(dict.fromkeys(raw)))
    empty = [index for index, each in pieces.items() if not each]
    return Vocabulary.from_ids(pieces, special=empty, kind="every script, byte-level BPE")

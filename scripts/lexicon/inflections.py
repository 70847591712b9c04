"""Inflected forms: lemminflect's tables, which derive from the NIH SPECIALIST lexicon."""

from __future__ import annotations

import gzip
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from typing import NamedTuple

from scripts.lexicon import wordnet
from scripts.lexicon.sources import LEMMINFLECT, file
from scripts.lexicon.wordlist import WordList, word_list

TAGS = {
    "noun": ("NNS",),
    "verb": ("VBD", "VBN", "VBG", "VBZ"),
    "adj": ("JJR", "JJS"),
    "adv": ("RBR", "RBS"),
}
BASE = {"noun": ("NN",), "verb": ("VB", "VBP"), "adj": ("JJ",), "adv": ("RB",)}
LETTER = {"noun": "n", "verb": "v", "adj": "a", "adv": "r"}
SPEECH = {"noun": "noun", "verb": "verb", "adj": "adjective", "adv": "adverb"}
PENN = {
    "NN": "Singular nouns", "NNS": "Plural nouns", "VB": "Verbs in base form",
    "VBD": "Verbs in the past tense", "VBG": "Gerunds and present participles",
    "VBN": "Past participles", "VBP": "Verbs in the present, not third person singular",
    "VBZ": "Verbs in the third person singular", "JJ": "Adjectives", "JJR": "Comparatives",
    "JJS": "Superlatives", "RB": "Adverbs", "RBR": "Comparative adverbs",
    "RBS": "Superlative adverbs",
}  # fmt: skip
INFLECTIONS = {
    "plural": ("NNS", "Plurals of nouns."),
    "third_person_singular": ("VBZ", "Verbs in the third person singular (goes)."),
    "past_tense": ("VBD", "Verbs in the past tense (went)."),
    "past_participle": ("VBN", "Past participles (gone)."),
    "ing_form": ("VBG", "Gerunds and present participles (going)."),
    "comparative": ("JJR", "Comparatives of adjectives (bigger)."),
    "superlative": ("JJS", "Superlatives of adjectives (biggest)."),
}
_BE = {
    "VBD": ("was", "were"), "VBN": ("been",), "VBG": ("being",), "VBZ": ("is",),
}  # fmt: skip
_PRONOUNS = (
    "i me my mine myself", "we us our ours ourselves", "you your yours yourself yourselves",
    "he him his himself", "she her hers herself", "it its itself",
    "they them their theirs themselves themself", "who whom whose", "one ones one's oneself",
    "this these", "that those", "thou thee thy thine thyself", "other others another",
)  # fmt: skip


class Entry(NamedTuple):
    """A lemma of one part of speech: Penn tag → its forms."""

    lemma: str
    pos: str
    forms: dict[str, tuple[str, ...]]


@cache
def entries() -> tuple[Entry, ...]:
    """Return the lower-case lemmas that WordNet has too, and their forms."""
    with gzip.open(file(LEMMINFLECT, "infl_lu.csv.gz"), "rt") as lines:
        found = [_entry(line.rstrip("\n").split(",")) for line in lines]
    known = [each for each in found if each and _is_known(each)]
    return (*known, Entry("be", "verb", {"VB": ("be",), "VBP": ("am", "are"), **_BE}))


def _entry(fields: list[str]) -> Entry | None:
    lemma, pos, *columns = fields
    if pos not in TAGS or not lemma.islower():
        return None
    forms = dict.fromkeys(BASE[pos], (lemma,))
    for tag, column in zip(TAGS[pos], columns, strict=False):
        # A plural that is the noun itself is sheep, or lore, which has none: the table has both.
        forms[tag] = tuple(
            form for form in column.split("/") if form and (tag != "NNS" or form != lemma)
        )
    if pos == "verb" and not forms.get("VBN") and forms.get("VBD"):
        forms["VBN"] = forms["VBD"]  # left out where it is the past tense
    return Entry(lemma, pos, forms)


def _is_known(entry: Entry) -> bool:
    """Whether WordNet has the lemma as this part of speech, and a corpus did not rule it out."""
    letter = LETTER[entry.pos]
    return entry.lemma in wordnet.senses(letter) and wordnet.is_used(entry.lemma, letter)


@cache
def forms_of(pos: str) -> dict[str, list[str]]:
    """Return each lemma of a part of speech → all its forms."""
    return {
        entry.lemma: sorted({form for forms in entry.forms.values() for form in forms})
        for entry in entries()
        if entry.pos == pos
    }


def inflected(words: Iterable[str], pos: str) -> set[str]:
    """Return words and their inflected forms."""
    table = forms_of(pos)
    return {form for word in words for form in table.get(word, [word])}


def word_lists(closed: frozenset[str]) -> Iterator[WordList]:
    """Yield the sets by part of speech, Penn tag and inflection.

    Args:
        closed: closed-class words, which can be something that these lexicons do not know.
    """
    tagged = _by_tag()
    for name, (tag, description) in INFLECTIONS.items():
        yield word_list(
            f"inflection:{name}", "grammar/inflection", description, LEMMINFLECT.name, tagged[tag]
        )
    yield from _irregular(tagged)
    for tag, description in PENN.items():
        words = tagged[tag] - closed if tag in ("NN", "JJ", "VB", "VBP") else tagged[tag]
        yield word_list(
            f"penn:{tag}", "grammar/penn", f"{description} ({tag}).", LEMMINFLECT.name, words
        )
    yield from _by_speech(tagged, closed)


def _by_tag() -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for entry in entries():
        for tag, forms in entry.forms.items():
            found[tag].update(forms)
    return found


def _irregular(tagged: dict[str, set[str]]) -> Iterator[WordList]:
    family = "grammar/inflection"
    plurals = {word for word in tagged["NNS"] if not word.endswith("s")}
    past = {word for word in tagged["VBD"] if not word.endswith("ed")}
    participles = {word for word in tagged["VBN"] if not word.endswith("ed")}
    for name, description, words in (
        ("irregular_plural", "Plurals that do not end in -s (children).", plurals),
        ("irregular_past", "Past tenses that do not end in -ed (went).", past),
        ("irregular_participle", "Past participles that do not end in -ed (gone).", participles),
    ):
        yield word_list(f"inflection:{name}", family, description, LEMMINFLECT.name, words)


def _by_speech(tagged: dict[str, set[str]], closed: frozenset[str]) -> Iterator[WordList]:
    can_be = {pos: set().union(*(tagged[tag] for tag in (*BASE[pos], *TAGS[pos]))) for pos in TAGS}
    for pos, speech in SPEECH.items():
        others = set().union(closed, *(can_be[each] for each in TAGS if each != pos))
        yield word_list(
            f"pos:{speech}",
            "grammar/pos",
            f"Words that can be {_article(speech)} {speech}, inflected forms included.",
            f"{LEMMINFLECT.name}, WordNet 3.0",
            can_be[pos] - closed if pos != "adv" else can_be[pos],
        )
        yield word_list(
            f"pos_only:{speech}",
            "grammar/pos",
            f"Words that can be nothing else than {_article(speech)} {speech}.",
            f"{LEMMINFLECT.name}, WordNet 3.0",
            can_be[pos] - others,
        )


def _article(noun: str) -> str:
    return "an" if noun[0] in "aeiou" else "a"


def lexemes() -> Iterator[tuple[str, str, list[str]]]:
    """Yield lemma, part of speech and forms of the words that inflect, pronouns included."""
    for forms in _PRONOUNS:
        yield forms.split()[0], "pronoun", forms.split()
    for pos, speech in SPEECH.items():
        for lemma, words in sorted(forms_of(pos).items()):
            forms = sorted(set(words) - {lemma})
            if forms:
                yield lemma, speech, [lemma, *forms]

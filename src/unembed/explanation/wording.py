"""How token sets are said in a sentence: `pronouns_reflexive` as "reflexive pronouns"."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from unembed.explanation.phrases import PENN, POST, WHOLE
from unembed.numerals import power
from unembed.tokensets import SetInfo

_SPELLED = ("forms", "characters", "affixes", "tokenizer", "unicode", "surface/length")
"""Families whose sets say how tokens are spelled, which a person would say last."""

_HEADS = (
    "pronouns", "determiners", "articles", "article", "quantifiers", "prepositions",
    "conjunctions", "modals", "negations", "indefinites", "demonstratives", "verbs", "adverbs",
    "numbers", "discourse",
)  # fmt: skip
"""First words of names that are the noun of the phrase: pronouns_reflexive, modals_future."""

_HEAD_WORDS = {"discourse": "linking words"}
_FORMS = {
    "after_space": ("{} after a space", "words after a space that begin with {}"),
    "lower_after_space": (
        "lower-case {} after a space", "lower-case words after a space that begin with {}",
    ),
    "bare": ("{} without a leading space", "tokens without a leading space that begin with {}"),
    "capital": ("{} with a capital", "words that begin with a capital {}"),
    "upper": ("{} in capitals", "words in capitals that begin with {}"),
}  # fmt: skip
"""How a class of words is said in one form of writing, and words by their first letter."""

_SAID: dict[str, Callable[[str], str]] = {
    "form": lambda word: f"“{word}”",
    "lexeme": lambda word: f"forms of “{word}”",
    "begins": lambda mark: f"tokens that begin with {mark}",
    "contains": lambda mark: f"tokens with {mark}",
    "ends": lambda mark: f"tokens that end in {mark}",
    "continues": lambda piece: f"pieces that follow “{piece}” inside a word",
    "suffix": lambda ending: f"words in -{ending}",
    "suffixes": lambda endings: f"words in {_all([f'-{each}' for each in endings.split('_')])}",
    "prefix": lambda beginning: f"words in {beginning}-",
    "first_letter": lambda letter: f"tokens that begin with {letter}",
    "first_letters": lambda letters: f"tokens that begin with {letters}",
    "last_letter": lambda letter: f"tokens that end in {letter}",
    "last_letters": lambda letters: f"tokens that end in {letters}",
    "length": lambda count: f"tokens of {_spaced(count)} letters",
    "bytes": lambda count: f"tokens of {count} bytes",
    "pos": lambda part: f"words that can be {part}s",
    "pos_only": lambda part: f"{part}s",
    "penn": lambda tag: PENN.get(tag, f"words tagged {tag}"),
    "wordnet": lambda word: f"kinds of {_spaced(word.partition('.')[0])}",
    "lexfile": lambda topic: f"WordNet's {topic}",
    "names": lambda kind: f"{_spaced(kind)} names",
    "countries": lambda place: f"countries of {_spaced(place).title()}",
    "sentiment": lambda kind: f"{_spaced(kind)} words",
    "keywords": lambda language: f"{language} keywords",
    "builtins": lambda language: f"{language} builtins",
    "methods": lambda language: f"{language} methods",
    "language": lambda language: f"{language.title()} words",
    "months": lambda language: f"{language.title()} months",
    "weekdays": lambda language: f"{language.title()} weekdays",
    "pronouns": lambda language: f"{language.title()} pronouns",
    "articles": lambda language: f"{language.title()} articles",
    "prepositions": lambda language: f"{language.title()} prepositions",
    "conjunctions": lambda language: f"{language.title()} conjunctions",
    "numbers": lambda language: f"{language.title()} numbers",
    "colors": lambda language: f"{language.title()} colors",
    "letters": lambda language: f"{language.title()} letters",
    "script": lambda script: f"{script.title()} script",
    "category": lambda category: f"Unicode category {category}",
    "rank": lambda span: f"tokens {span} of the vocabulary",
    "first_sound": lambda sound: f"words whose first sound is the {_spaced(sound)}",
    "last_sound": lambda sound: f"words whose last sound is the {_spaced(sound)}",
    "stressed_vowel": lambda vowel: f"words whose stressed vowel is the {_spaced(vowel)}",
    "syllables": lambda count: f"words of {_spaced(count)}",
    "stress": lambda place: f"words stressed on the {place} syllable",
    "rhyme": lambda word: f"words that rhyme with “{word}”",
}
_NLTK = "nltk_pos_"
_INFLECTIONS = {
    "plural": "plurals",
    "third_person_singular": "third-person verbs",
    "past_tense": "past tenses",
    "past_participle": "past participles",
    "ing_form": "-ing forms",
    "comparative": "comparatives",
    "superlative": "superlatives",
}


def is_plain(info: SetInfo) -> bool:
    """Return whether a person would name the set so, rather than spell out its tokens."""
    return not info.family.startswith(_SPELLED)


def said(info: SetInfo) -> str:
    """Return a set's name as it stands in a sentence.

    >>> said(SetInfo("pronouns_reflexive", "grammar/pronouns")), said(SetInfo("suffix:ing"))
    ('reflexive pronouns', 'words in -ing')
    >>> said(SetInfo("form:your")), said(SetInfo("law", "meaning/society"))
    ('“your”', 'words of law')
    """
    name = info.name
    kind, colon, rest = name.partition(":")
    if kind == "post" or name.startswith(_NLTK):
        return _of_post(name.removeprefix("post:"))
    if name in WHOLE:
        return WHOLE[name]
    if rest and kind in _FORMS:
        return _in_form(kind, rest)
    if colon and kind == "inflection":
        return _INFLECTIONS.get(rest, _spaced(rest))
    if colon and rest and kind in _SAID:
        return _SAID[kind](rest)
    head, _, kind_of = name.partition("_")
    if head in _HEADS and kind_of and not kind_of.startswith(("of_", "from_")):
        noun = "" if kind_of.endswith("s") else f" {_HEAD_WORDS.get(head, head)}"
        return f"{_spaced(kind_of)}{noun}"
    if info.family == "surface/brackets" and kind_of in ("round", "square", "curly"):
        return f"{_spaced(name)} brackets"
    if info.family.startswith("meaning/") and not name.endswith("s"):
        return f"words of {_spaced(name)}"
    return _spaced(name)


def _of_post(name: str) -> str:
    """Return how a set of the post is said; those of tags likewise where NLTK tells the tags.

    >>> _of_post("pos_NNP"), _of_post("letter_a"), _of_post("1990s")
    ('proper nouns', 'tokens that begin with a', 'the 1990s')
    """
    kind, _, tag = name.removeprefix("nltk_").partition("_")
    if kind == "pos":
        return PENN.get(tag, f"words tagged {tag}")
    if kind == "letter":
        return f"tokens that begin with {tag}"
    return POST.get(name) or (f"the {name}" if name[:-1].isdigit() else _spaced(name))


def _in_form(form: str, name: str) -> str:
    """Return how a class or a letter is said in a form of writing.

    >>> _in_form("capital", "prepositions"), _in_form("after_space", "s")
    ('prepositions with a capital', 'words after a space that begin with s')
    """
    of_class, of_letter = _FORMS[form]
    if len(name) > 1:
        return of_class.format(said(SetInfo(name)))
    return of_letter.format(name.upper() if form in ("capital", "upper") else name)


def _all(words: Sequence[str]) -> str:
    *others, last = words
    return f"{', '.join(others)} and {last}"


def _spaced(name: str) -> str:
    return name.replace("_", " ")


def label(
    sets: Sequence[SetInfo],
    z: Sequence[float],
    split: tuple[SetInfo, float] | None = None,
    log10_q: float | None = None,
) -> str:
    """Return the label of a feature: what it promotes, and what it suppresses.

    >>> label([SetInfo("pronouns_reflexive"), SetInfo("months")], [11.94, -6.2])
    'promotes reflexive pronouns (z +11.9); suppresses months (z −6.2)'
    >>> label([SetInfo("months")], [-6.2], (SetInfo("leading_space"), 0.214), -12.3)
    'splits leading space (R² 0.21); suppresses months (z −6.2); q 5.0e-13'

    Args:
        sets: that are named.
        z: of each, positive promotes.
        split: of a partition, the broad set and the share of the variance that it explains.
        log10_q: of the feature, where it is said.
    """
    phrases = [f"splits {said(split[0])} (R² {split[1]:.2f})"] if split else []
    for verb, sign in (("promotes", 1), ("suppresses", -1)):
        phrased = [
            f"{said(info)} (z {_signed(score)})"
            for info, score in zip(sets, z, strict=True)
            if score * sign > 0
        ]
        if phrased:
            phrases.append(f"{verb} {', '.join(phrased)}")
    if log10_q is not None:
        phrases.append(f"q {power(log10_q)}")
    return "; ".join(phrases)


def _signed(value: float) -> str:
    return f"{value:+.1f}".replace("-", "−")


def no_label(top: Sequence[str], bottom: Sequence[str], feature_class: str) -> str:
    """Return what stands where no known set fits: the outermost tokens on the side that matters.

    Args:
        top: texts of the outermost tokens, quoted.
        bottom: likewise.
        feature_class: of the feature.
    """
    ends = []
    if feature_class != "suppression":
        ends.append(f"top tokens {' '.join(top)}")
    if feature_class in ("suppression", "two-sided"):
        ends.append(f"bottom tokens {' '.join(bottom)}")
    return f"no known set; {'; '.join(ends)}"

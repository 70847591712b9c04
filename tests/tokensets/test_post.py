"""The post's lists: every word that its notebook names is in the set of that name.

The words are those of `get_test_gene_sets` in SAELens' `sae_lens/analysis/tsea.py`.
"""

from __future__ import annotations

from functools import cache

import pytest

from tests.tokensets.vocabularies import PATHS, vocabulary
from unembed.tokensets.assemble import Draft
from unembed.tokensets.collections import default, post
from unembed.tokensets.reading import Reading
from unembed.tokensets.resolve import resolve

NOTEBOOK = {
    **{f"{y}s": " ".join(map(str, range(y, y + 10))) for y in range(1910, 2020, 10)},
    "colors": (
        "red blue yellow green orange purple pink teal lavender maroon olive navy grey black "
        "white brown"
    ),
    "negative_words": (
        "terrible awful horrible dreadful abysmal wretched dire appalling horrific disastrous "
        "ghastly hideous gruesome vile foul atrocious heinous abhorrent detestable loathsome "
        "repulsive repugnant disgusting revolting noxious offensive nauseating sickening "
        "distasteful unpleasant obnoxious odious unsavory unpalatable grim gloomy deplorable "
        "depressing despicable miserable pathetic pitiful lamentable direful tragic woeful "
        "painful harsh bitter"
    ),
    "positive_words": (
        "wonderful amazing fabulous excellent fantastic brilliant awesome spectacular "
        "marvelous incredible superb magical delightful charming beautiful astonishing "
        "impressive stunning breathtaking admirable lovely pleasing enchanting exquisite "
        "radiant splendid glorious divine sublime heavenly idyllic blissful serene tranquil "
        "peaceful joyful ecstatic jubilant elated uplifting inspiring revitalizing refreshing "
        "invigorating energizing thrilling captivating enthralling enlightening"
    ),
    "emotions": (
        "anger fear joy sadness trust disgust anticipation surprise love hate envy compassion "
        "pride shame guilt hope despair"
    ),
    "boys_names": "Michael James John Robert David William Joseph Charles Thomas Christopher",
    "girls_names": "Mary Patricia Jennifer Linda Elizabeth Barbara Susan Jessica Sarah Karen",
    "capital_cities": "Washington Ottawa London Paris Berlin Tokyo Moscow Beijing Canberra Delhi",
    "countries": "Canada France Germany Japan Russia China Australia India",
    "neuroscience_terms": (
        "neuron synapse axon dendrite neuroplasticity neurotransmitter neurogenesis "
        "neurotransmission neurodegeneration neuroinflammation neurodevelopment neuroimaging "
        "neuropharmacology neurophysiology neuropsychology"
    ),
    "economics_terms": "elasticity inflation monopoly oligopoly externality",
    "spanish_words": "hola amor feliz casa familia gracias libro mañana noche amigo",
    "french_words": "bonjour amour heureux maison famille merci livre matin nuit ami",
    "jewish_last_names": (
        "Bloom Levine Goldstein Cohen Katz Kaplan Adler Stein Weiss Stern Levi Kahan Gross "
        "Friedman Kramer Grossman Zimmerman"
    ),
    "ologies": (
        "biology ecology psychology sociology geology meteorology zoology botany anthropology "
        "astrology astronomy theology philology pharmacology pathology oceanology toxicology "
        "volcanology entomology paleontology neurology ethnology criminology seismology "
        "cytology"
    ),
}
"""Set → its words; of phrases, the one word that names the thing (Washington, D.C., New Delhi)."""


@cache
def sets(name: str) -> dict[str, Draft]:
    reading = Reading(vocabulary(name))
    return {each.info.name: each for each in resolve(post(), reading, library=default())}


@pytest.mark.inputs
@pytest.mark.parametrize("name", PATHS)
@pytest.mark.parametrize("listed", NOTEBOOK)
def test_every_word_of_the_notebook_is_in_its_set(name: str, listed: str) -> None:
    ids = {text: token for token, text in enumerate(vocabulary(name).texts)}
    words = NOTEBOOK[listed].split()
    forms = [f" {each}" for word in words for each in (word, word.capitalize())]
    wanted = {ids[form] for form in forms if form in ids}
    missing = wanted - set(sets(name)[f"post:{listed}"].ids.tolist())
    assert [vocabulary(name).texts[token] for token in missing] == []


@pytest.mark.inputs
def test_ologies_are_fields_of_study() -> None:
    texts = {vocabulary("gpt2").texts[token] for token in sets("gpt2")["post:ologies"].ids}
    assert {" biology", " Biology", " astronomy", " psychology"} <= texts
    assert not {" apology", " ideology", " terminology", " technology", "ology"} & texts


@pytest.mark.inputs
@pytest.mark.parametrize("tag", ["NNP", "NNPS"])
def test_proper_nouns_have_a_capital(tag: str) -> None:
    found = sets("gpt2")[f"post:pos_{tag}"]
    texts = [vocabulary("gpt2").texts[token] for token in found.ids]
    assert len(texts) > 50
    assert [text for text in texts if text == text.lower()] == []


@pytest.mark.inputs
def test_marks_have_their_tags() -> None:
    texts = vocabulary("gpt2").texts
    tagged = {
        tag: {texts[token].strip() for token in sets("gpt2")[f"post:pos_{tag}"].ids}
        for tag in (".", ",", ":", "(", ")", "``", "''", "$", "#", "SYM")
    }
    assert {".", "!", "?"} <= tagged["."]
    assert "," in tagged[","]
    assert {":", ";", "--", "..."} <= tagged[":"]
    assert tagged["("] == {"(", "[", "{"}
    assert tagged[")"] == {")", "]", "}"}
    assert {'"'} <= tagged["``"] & tagged["''"]
    assert {"$", "£", "€"} <= tagged["$"]
    assert tagged["#"] == {"#"}
    assert {"+", "=", "*", "/"} <= tagged["SYM"]
    assert not any(text.isalpha() for marks in tagged.values() for text in marks)

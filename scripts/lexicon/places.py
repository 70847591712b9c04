"""Countries, capitals, nationalities, states and cities."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from scripts.lexicon.sources import CITIES, COUNTRIES, NATIONALITIES, Source, file
from scripts.lexicon.wordlist import WordList, word_list

FAMILY = "meaning/places"
_LARGE = 500_000
_CONTINENTS = {
    "AF": "africa", "AS": "asia", "EU": "europe", "NA": "north_america", "OC": "oceania",
    "SA": "south_america",
}  # fmt: skip
_ALSO_CALLED = (
    "=US =USA =UK =UAE =DRC Britain England Scotland Wales America Holland Czechia Burma Macedonia "
    "Swaziland Congo Korea Bosnia Herzegovina Trinidad Tobago Gambia Bahamas Emirates Ivory "
    "Vatican Palestine Kosovo Taiwan Tibet Persia Siam Ceylon Rhodesia Zaire Yugoslavia USSR "
    "Czechoslovakia Prussia Turkey Macau"
).split()
_CAPITALS_ALSO_CALLED = (
    "Washington Delhi Kiev Brasilia Bogota Yaounde Asuncion Chisinau Lome Noumea Reykjavík Berne "
    "Teheran Katmandu Sanaa Mbabane Bujumbura Bloemfontein Ulaanbaatar"
).split()
"""By one word, where the data has more of them, an accent or another spelling."""
_NATIONALITIES = (
    "British English Scottish Welsh Irish Dutch Swiss American Argentine Briton Scot Dane Swede "
    "Finn Pole Turk Spaniard Kurd Kurdish Arab Arabic Arabian Persian Palestinian Tibetan "
    "Taiwanese Bosnian Herzegovinian Kosovar Basque Catalan Flemish Walloon Bavarian Prussian "
    "Soviet Yugoslav Czechoslovak Korean Afghan Hispanic Latino Latina African Asian European "
    "Oceanian Australasian Roman Greek Athenian Byzantine Ottoman Mongol Mongolian Filipino "
    "Filipina Filipinos Saudi Emirati Omani Qatari Kuwaiti Bahraini Iraqi Iranian Israeli "
    "Pakistani Bangladeshi Nepali Nepalese Uzbek Kazakh Kyrgyz Tajik Turkmen Azerbaijani Uyghur "
    "Hawaiian Texan Californian Canadian Mexican Puerto Rican Jamaican Haitian Cuban"
).split()
_STATES = {
    "Alabama": "AL", "Alaska": "AK", "Arizona": "AZ", "Arkansas": "AR", "California": "CA",
    "Colorado": "CO", "Connecticut": "CT", "Delaware": "DE", "Florida": "FL", "Georgia": "GA",
    "Hawaii": "HI", "Idaho": "ID", "Illinois": "IL", "Indiana": "IN", "Iowa": "IA",
    "Kansas": "KS", "Kentucky": "KY", "Louisiana": "LA", "Maine": "ME", "Maryland": "MD",
    "Massachusetts": "MA", "Michigan": "MI", "Minnesota": "MN", "Mississippi": "MS",
    "Missouri": "MO", "Montana": "MT", "Nebraska": "NE", "Nevada": "NV", "New Hampshire": "NH",
    "New Jersey": "NJ", "New Mexico": "NM", "New York": "NY", "North Carolina": "NC",
    "North Dakota": "ND", "Ohio": "OH", "Oklahoma": "OK", "Oregon": "OR", "Pennsylvania": "PA",
    "Rhode Island": "RI", "South Carolina": "SC", "South Dakota": "SD", "Tennessee": "TN",
    "Texas": "TX", "Utah": "UT", "Vermont": "VT", "Virginia": "VA", "Washington": "WA",
    "West Virginia": "WV", "Wisconsin": "WI", "Wyoming": "WY",
}  # fmt: skip
_PROVINCES = (
    "Ontario Quebec Québec Manitoba Saskatchewan Alberta Yukon Nunavut Labrador Newfoundland"
)
_FACTS = "facts"


def word_lists() -> Iterator[WordList]:
    """Yield the sets of places and of the people who live there."""
    yield from _countries()
    yield _row("continents", "Continents.", _FACTS, [
        "Africa", "America", "Americas", "Antarctica", "Asia", "Australia", "Europe", "Eurasia",
        "Oceania", "Australasia",
    ])  # fmt: skip
    yield _row("us_states", "States of the USA of one word.", _FACTS, _STATES)
    yield _row(
        "us_state_codes", "Postal codes of the states of the USA.", _FACTS,
        [f"={code}" for code in (*_STATES.values(), "DC")],
    )  # fmt: skip
    yield _row("canadian_provinces", "Provinces of Canada.", _FACTS, _PROVINCES.split())
    yield from _cities()


def _countries() -> Iterator[WordList]:
    countries: dict[str, dict[str, Any]] = _json(COUNTRIES, "countries.min.json")
    names = [country["name"] for country in countries.values()]
    yield _row("countries", "Countries and territories, by the names of one word, also former and "
               "short ones.", COUNTRIES.name, [*names, *_ALSO_CALLED])  # fmt: skip
    for code, label in _CONTINENTS.items():
        here = [each["name"] for each in countries.values() if each["continent"] == code]
        text = f"Countries and territories of {label.replace('_', ' ').title()}."
        yield _row(f"countries:{label}", text, COUNTRIES.name, here)
    capitals = [country["capital"] for country in countries.values()]
    yield _row("capitals", "Capitals of countries and territories, by the names of one word.",
               COUNTRIES.name, [*capitals, *_CAPITALS_ALSO_CALLED])  # fmt: skip
    codes = _json(COUNTRIES, "countries.2to3.min.json")
    yield _row("country_codes", "Codes of countries of three letters (ISO 3166).",
               COUNTRIES.name, [f"={code}" for code in codes.values()])  # fmt: skip
    people = _json(NATIONALITIES, "langs/en.json")["nationalities"].values()
    yield _row("nationalities", "Nationalities and peoples, adjectives and nouns.",
               NATIONALITIES.name, _people([*people, *_NATIONALITIES], set(names)))  # fmt: skip
    languages = _json(COUNTRIES, "languages.min.json")
    yield word_list(
        "languages", "meaning/language", "Names of languages in English.", COUNTRIES.name,
        [each["name"] for each in languages.values()],
    )  # fmt: skip
    yield word_list(
        "languages_native", "meaning/language", "Names of languages in the language itself.",
        COUNTRIES.name,
        [word for each in languages.values() for word in each["native"].split(" / ")],
    )  # fmt: skip
    currencies = _json(COUNTRIES, "currencies.min.json")
    yield word_list("currency_codes", "meaning/money", "Codes of currencies (ISO 4217).",
                    COUNTRIES.name, [f"={code}" for code in currencies])  # fmt: skip


def _people(words: list[str], countries: set[str]) -> list[str]:
    """Return nationalities and their plurals; where there is none, the data has the country."""
    single = [word for word in words if word not in countries]
    return [*single, *(f"{word}s" for word in single if word.endswith(("an", "i", "k", "o")))]


def _cities() -> Iterator[WordList]:
    cities: list[dict[str, Any]] = list(_json(CITIES, "cities15000.json").values())
    large = [city["name"] for city in cities if city["population"] >= _LARGE]
    american = [
        city["name"]
        for city in cities
        if city["countrycode"] == "US" and city["population"] >= _LARGE // 5
    ]
    yield _row("large_cities", f"Cities of {_LARGE:,} people or more.", CITIES.name, large)
    yield _row("us_cities", f"Cities of the USA of {_LARGE // 5:,} people or more.", CITIES.name,
               american)  # fmt: skip
    for code, label in (("GB", "uk"), ("DE", "german"), ("FR", "french"), ("IN", "indian"),
                        ("CN", "chinese"), ("CA", "canadian")):  # fmt: skip
        here = [
            city["name"]
            for city in cities
            if city["countrycode"] == code and city["population"] >= _LARGE // 5
        ]
        text = f"Cities of {_LARGE // 5:,} people or more in the country {code}."
        yield _row(f"{label}_cities", text, CITIES.name, here)


def _row(name: str, description: str, source: str, words: Iterable[str]) -> WordList:
    return word_list(name, FAMILY, description, source, words)


def _json(source: Source, pattern: str) -> Any:
    return json.loads(file(source, pattern).read_text())

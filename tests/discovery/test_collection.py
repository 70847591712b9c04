"""The collection `discovered`: what joins, what does not and why, and that it is no chance."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import scipy
import torch

from unembed import (
    Features,
    LayerLens,
    TokenSets,
    Unembedding,
    Vocabulary,
    analyze,
    build_token_sets,
    discover,
    discovered_sets,
    load_unembedding,
    prepare_unembedding,
)
from unembed.demo import MODEL
from unembed.discovery import DiscoverSettings, chance
from unembed.discovery.chance import exchanged, rates, shares
from unembed.discovery.own_name import naming_words, spelled_alike, unnameable
from unembed.errors import TokenSetError
from unembed.tokensets import write_gmt
from unembed.tokensets.collections.lexicon import dictionary
from unembed.tokensets.reading import Reading

pytestmark = pytest.mark.slow

D = 64
GROUPS = {
    "own": "vibble snorg quandle trizz wumble frask dolven gerrim",
    "months": "January February March April May June July August September October November",
    "alike": "balvoren dulvoren hesvoren kilvoren mopvoren tugvoren wenvoren zimt",
    "pieces": "qix vub zond plev grut mish fof lurn",
    "untrained": "blop krund yestin omvar teffle drobin haspel jundo",
    "pairs": "walk walks walked walking talk talks talked talking",
}
BARE = ("pieces",)


def invented() -> list[str]:
    """Words that no list has, ten to a group: enough modules for a rate of chances to be told."""
    random = np.random.default_rng(0)
    letters = ("bdfgklmnprstvz", "aeiou", "bdfgklmnprstvz", "aeiou", "lnrst")
    found = {"".join(random.choice([*some]) for some in letters) for _ in range(450)}
    return random.permutation(sorted(found - dictionary()))[:400].tolist()


def texts() -> list[str]:
    """Groups, and other words, lest a group be all that some broad set holds here."""
    bare = [word for words in GROUPS.values() for word in words.split()]
    spaced = [f" {w}" for name, ws in GROUPS.items() if name not in BARE for w in ws.split()]
    english = [f" {word}" for word in sorted(dictionary())[::200]]
    capitals = [text.title() for text in english[::3]]
    return ["<s>", *spaced, *bare, *(f" {word}" for word in invented()), *english, *capitals]


VOCABULARY = Vocabulary.from_texts(texts(), special=[0])


def planted(seed: int = 0, strength: float = 3.0) -> Unembedding:
    """Rows of noise, with each group of words about a direction of its own."""
    random = torch.Generator().manual_seed(seed)
    texts_at = {text: i for i, text in enumerate(VOCABULARY.texts)}
    W_U = torch.randn(len(VOCABULARY), D, generator=random)
    for name, words in GROUPS.items():
        centre = torch.randn(D, generator=random) * strength
        members = [i for i, text in enumerate(VOCABULARY.texts) if text.strip() in words.split()]
        W_U[members] *= 0.01 if name == "untrained" else 1
        W_U[members] += centre
    for at in range(0, 400, 10):
        members = [texts_at[f" {word}"] for word in invented()[at : at + 10]]
        W_U[members] += torch.randn(D, generator=random) * strength
    return prepare_unembedding(W_U, VOCABULARY, name="planted")


@pytest.fixture(scope="module")
def found() -> TokenSets:
    return discovered_sets(planted(), cache=False)


def words_of(sets: TokenSets, name: str) -> set[str]:
    return {text.strip() for text in sets.texts(name)}


def own_of(sets: TokenSets) -> str:
    """The name of the set that holds one of our own words."""
    return next(name for name in sets if "vibble" in words_of(sets, name))


class TestWhatJoins:
    def test_a_module_without_a_known_set_has_its_own_words(self, found: TokenSets) -> None:
        name = own_of(found)
        words = name.removeprefix("module:").split("/")
        assert len(set(words)) == 3
        assert set(words) <= set(GROUPS["own"].split())
        assert words_of(found, name) == set(GROUPS["own"].split())

    @pytest.mark.parametrize(
        ("group", "why"),
        [
            ("months", "'months' describes it (F1 "),
            ("alike", "words that are spelled alike"),
            ("untrained", "rows that are all but the same (mean cosine "),
        ],
    )
    def test_what_does_not_says_why(self, found: TokenSets, group: str, why: str) -> None:
        members = {word.casefold() for word in GROUPS[group].split()}
        reasons = [
            aside.reason
            for aside in found.set_aside
            if {VOCABULARY.texts[i].strip().casefold() for i in aside.ids} == members
        ]
        assert reasons
        assert all(reason.startswith(why) for reason in reasons), reasons

    def test_the_same_tokens_join_once(self) -> None:
        """Two resolutions find the same modules."""
        settings = DiscoverSettings(resolutions=(30.0, 29.0))
        found = discovered_sets(planted(), settings=settings, cache=False)
        name = own_of(found)
        members = set(GROUPS["own"].split())
        assert sum(words_of(found, other) == members for other in found) == 1
        (twice,) = (each for each in found.set_aside if set(each.ids) == set(found[name].tolist()))
        assert twice.reason == f"nearly the tokens of {name!r} (100%)"

    def test_it_says_where_it_comes_from(self, found: TokenSets) -> None:
        unembedding = planted()
        info = found.info(own_of(found))
        assert info.family == "discovered/rows"
        assert info.source == "W_U of planted"
        for said in ("10 neighbours", "resolutions 30 and 300", "seed 0", unembedding.digest[:16]):
            assert said in info.definition
        assert "mean cosine 0." in info.description
        assert "Chance 0.0" in info.description

    def test_noise_has_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """`discover` shows a few modules of it: they are the most cohesive of hundreds."""
        monkeypatch.setattr(chance, "_MOST_SEARCHES", 5)
        unembedding = planted(strength=0.0)
        assert len(discover(unembedding))
        assert not len(discovered_sets(unembedding, cache=False))

    def test_of_what_was_planted_nearly_all_join(self, found: TokenSets) -> None:
        groups = [set(invented()[at : at + 10]) for at in range(0, 400, 10)]
        whole = sum(words_of(found, name) in groups for name in found)
        assert whole >= 0.8 * len(groups)
        strange = [name for name in found if not any(words_of(found, name) <= g for g in groups)]
        assert strange == [own_of(found)]


class TestChance:
    def test_coordinates_stay_in_their_stretch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(chance, "_AS_FREQUENT", 10)
        points = torch.randn(25, 4, generator=torch.Generator().manual_seed(0))
        order = np.random.default_rng(1).permutation(25)
        norms = exchanged(points, order, 0)
        assert torch.allclose(norms.norm(dim=1), torch.ones(25))
        ratio = torch.sort(norms[:, 0] / norms[:, 1]).values
        assert not torch.allclose(ratio, torch.sort(points[:, 0] / points[:, 1]).values)
        monkeypatch.setattr(torch.nn.functional, "normalize", lambda rows: rows)
        mixed = exchanged(points, order, 0)
        for stretch in (order[:10], order[10:20], order[20:]):
            for axis in range(4):
                assert sorted(mixed[stretch, axis].tolist()) == sorted(
                    points[stretch, axis].tolist()
                )

    def test_rates_are_those_of_benjamini_and_hochberg(self) -> None:
        p = np.random.default_rng(0).random(40) ** 3
        expected = scipy.stats.false_discovery_control(p)
        assert np.allclose(rates(p, 40), expected)
        few = np.sort(p)[:5]
        rest = np.ones(35)
        assert np.allclose(
            rates(few, 40), scipy.stats.false_discovery_control(np.append(few, rest))[:5]
        )

    def test_shares_are_counted(self) -> None:
        random = np.random.default_rng(0)
        null, values = random.integers(0, 20, 50) / 20, random.integers(0, 20, 30) / 20
        naive = [(1 + sum(other >= value for other in null)) / 51 for value in values]
        assert shares(values, null).tolist() == naive

    def test_modules_that_words_without_meanings_match_stay_out(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Against words that kept their meanings, nothing is news."""
        monkeypatch.setattr(chance, "exchanged", lambda points, order, seed: points)
        found = discovered_sets(planted(), cache=False)
        assert not len(found)
        own = set(GROUPS["own"].split())
        reasons = {
            aside.reason
            for aside in found.set_aside
            if {VOCABULARY.texts[i].strip() for i in aside.ids} == own
        }
        assert reasons
        assert all(each.startswith("words without meanings are as near (p ") for each in reasons)


class TestNames:
    """What of a module's words can name it, and when nothing can."""

    reading = Reading(VOCABULARY)

    def reason(self, words: list[str], reading: Reading | None = None) -> str:
        reading = reading or self.reading
        return unnameable(words, naming_words(words, reading), reading)

    def test_one_word_of_each_stem(self) -> None:
        words = ["walk", "walked", "vibble", "snorg"]
        assert naming_words(words, self.reading) == ["walk", "vibble", "snorg"]
        assert not self.reason(words)
        assert self.reason(words[:3]) == "2 words of different stems, fewer than 3"

    def test_pieces_name_nothing(self) -> None:
        whole = ["vibble", "snorg", "quandle", "trizz"]
        words = ["qix", "7", ",", "x", *whole]
        assert naming_words(words, self.reading) == whole
        assert not self.reason(words)
        assert self.reason([*words, "vub"]) == "pieces of words, numbers or marks"

    def test_beginnings_of_words_are_pieces_with_a_space_too(self) -> None:
        reading = Reading(Vocabulary.from_texts([" meticul", " opio", " antibiot", " careful"]))
        assert naming_words(["meticul", "opio", "careful"], reading) == ["careful"]

    def test_scripts_without_spaces_have_words(self) -> None:
        reading = Reading(Vocabulary.from_texts([" the", "ing", "苹果", "香蕉", "葡萄"]))
        assert naming_words(["ing", "苹果", "香蕉", "葡萄"], reading) == ["苹果", "香蕉", "葡萄"]

    @pytest.mark.parametrize(
        ("words", "alike"),
        [
            (["nation", "ration", "zoo", "tree"], True),
            (["scheme", "school", "zoo", "tree"], True),
            (["nation", "ration", "zoo", "tree", "road"], False),
            (["bank", "loan", "money"], False),
        ],
    )
    def test_half_spelled_alike(self, words: list[str], alike: bool) -> None:
        assert spelled_alike(words) is alike


class TestTheCache:
    def test_what_was_found_is_not_looked_for_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        first = discovered_sets(planted())
        monkeypatch.setattr("unembed.discovery.collection.modules_of_rows", None)
        again = discovered_sets(planted())
        assert again.infos == first.infos
        assert again.ids.tolist() == first.ids.tolist()
        assert [(a.info, a.reason) for a in again.set_aside] == [
            (a.info, a.reason) for a in first.set_aside
        ]

    @pytest.mark.parametrize("what", ["W_U", "settings"])
    def test_of_other_weights_or_settings_it_is(
        self, what: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        discovered_sets(planted())
        monkeypatch.setattr("unembed.discovery.collection.modules_of_rows", None)
        other = planted(seed=1) if what == "W_U" else planted()
        settings = DiscoverSettings(seed=1) if what == "settings" else None
        with pytest.raises(TypeError, match="NoneType"):
            discovered_sets(other, settings=settings)


class TestARunIsNoTestOfItself:
    """Sets of what features promote are not tested in the same features."""

    def bank(self, unembedding: Unembedding, name: str = "bank", seed: int = 2) -> Features:
        random = torch.Generator().manual_seed(seed)
        rows = torch.randn(80, D, generator=random)
        own = [
            i - 1
            for i, text in enumerate(VOCABULARY.texts)
            if text.strip() in GROUPS["own"].split()
        ]
        rows[0] = unembedding.W_U[own].mean(0)
        return Features.from_array(rows, name=name, layer=0)

    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        unembedding = planted()
        settings = DiscoverSettings(min_z=4)
        sets = discover(unembedding, self.bank(unembedding), settings=settings)
        of_features = sets.filter(family="discovered/features")
        assert len(of_features)
        write_gmt(of_features, tmp_path / "found.gmt")
        return tmp_path / "found.gmt"

    @pytest.mark.parametrize(("name", "seed"), [("bank", 2), ("otherwise", 2), ("bank", 3)])
    def test_it_is_refused(self, file: Path, tmp_path: Path, name: str, seed: int) -> None:
        """By its directions, however it is called, and by its name, if some were left out."""
        unembedding = planted()
        sets = build_token_sets(VOCABULARY, file)
        with pytest.raises(TokenSetError, match=f"found in features of {name}, and would be"):
            analyze(
                unembedding, self.bank(unembedding, name, seed), tmp_path / "run", token_sets=sets
            )
        assert not (tmp_path / "run").exists()

    @pytest.mark.parametrize(("name", "seed"), [("otherwise", 2), ("bank", 3)])
    def test_through_a_lens_they_are_the_same_features(
        self, file: Path, tmp_path: Path, name: str, seed: int
    ) -> None:
        unembedding = planted()
        bank = self.bank(unembedding, name, seed)
        through = bank.through(LayerLens("mine", "mine", 0, torch.eye(D).flip(0)))
        sets = build_token_sets(VOCABULARY, file)
        with pytest.raises(TokenSetError, match=f"found in features of {name}.mine, and would be"):
            analyze(unembedding, through, tmp_path / "run", token_sets=sets)
        assert not (tmp_path / "run").exists()

    @pytest.mark.parametrize("other", [None, "another"])
    def test_found_through_a_lens_they_are_tested_through_no_other(
        self, tmp_path: Path, other: str | None
    ) -> None:
        unembedding = planted()
        bank = self.bank(unembedding)
        found = bank.through(LayerLens("mine", "mine", 0, 2 * torch.eye(D)))
        sets = discover(unembedding, found, settings=DiscoverSettings(min_z=4))
        of_features = sets.filter(family="discovered/features")
        assert len(of_features)
        lens = other and LayerLens(other, "mine", 0, torch.eye(D).flip(0))
        tested = bank.through(lens) if lens else bank
        with pytest.raises(TokenSetError, match=f"found in features of {tested.name}, and would"):
            analyze(unembedding, tested, tmp_path / "run", token_sets=of_features)

    def test_other_features_are_tested(self, file: Path, tmp_path: Path) -> None:
        unembedding = planted()
        sets = build_token_sets(VOCABULARY, file)
        bank = self.bank(unembedding, "other", seed=3)
        run = analyze(unembedding, bank, tmp_path / "run", token_sets=sets)
        assert set(run.token_sets["name"]) == set(sets)

    def test_those_of_W_U_are_tested_in_any(self, found: TokenSets, tmp_path: Path) -> None:
        unembedding = planted()
        run = analyze(unembedding, self.bank(unembedding), tmp_path / "run", token_sets=found)
        strongest = run.enrichment("bank/0")
        assert strongest["token_set"][0] == own_of(found)
        assert strongest["z"][0] > 0


def test_a_vocabulary_alone_has_none() -> None:
    with pytest.raises(TokenSetError, match=r"found in a model's W_U.*--sets default,discovered"):
        build_token_sets(VOCABULARY, "default,discovered")


@cache
def part_of_the_demo() -> Unembedding:
    """The first rows of the demo's W_U: what is found in them takes seconds, not minutes."""
    whole = load_unembedding(MODEL)
    rows = 4_000
    first = whole.token_ids[:rows]
    vocabulary = Vocabulary.from_texts([whole.vocabulary.texts[i] for i in first])
    return prepare_unembedding(whole.W_U[:rows], vocabulary, name="part")


@pytest.fixture(scope="module")
def sets() -> TokenSets:
    found = discovered_sets(part_of_the_demo(), cache=False)
    assert len(found) > 10
    return found


class TestAudit:
    """Each set held against what is said of it, by code that finds no modules."""

    def test_members_are_words_in_all_their_forms(self, sets: TokenSets) -> None:
        """A word is in a set with all its capitals and spaces, or with none."""
        texts = sets.vocabulary.texts
        forms: dict[str, set[int]] = {}
        for token, text in enumerate(texts):
            forms.setdefault(text.strip().casefold(), set()).add(token)
        for name in sets:
            ids = set(sets[name].tolist())
            for token in ids:
                word = texts[token].strip().casefold()
                if word.isalpha():
                    assert forms[word] <= ids, (name, word)

    def test_words_are_nearer_than_words_as_frequent(self, sets: TokenSets) -> None:
        """Tokens of different words, in rows whitened by the eigenvectors of their covariance."""
        W_U = part_of_the_demo().W_U.double().numpy()
        values, axes = np.linalg.eigh(W_U.T @ W_U)
        rows = W_U @ axes / np.sqrt(values)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        words = [text.strip().casefold() for text in sets.vocabulary.texts]
        random = np.random.default_rng(0)
        for name in sets:
            ids = np.array([*{words[i]: i for i in sets[name].tolist()}.values()])
            value = mean_cosine(rows[ids])
            near = np.clip(ids + random.integers(-100, 101, (99, len(ids))), 0, len(rows) - 1)
            assert value > max(mean_cosine(rows[each]) for each in near), name

    def test_no_known_set_says_it(self, sets: TokenSets) -> None:
        known = build_token_sets(sets.vocabulary)
        silent = ("tokenizer/", "surface/length", "affixes/first", "affixes/last", "forms/word")
        wanted = [
            set(known[i.name].tolist()) for i in known.infos if not i.family.startswith(silent)
        ]
        lexeme = [
            i.family == "forms/lexeme" for i in known.infos if not i.family.startswith(silent)
        ]
        for name in sets:
            ids = set(sets[name].tolist())
            for other, narrow in zip(wanted, lexeme, strict=True):
                alike = 2 * len(ids & other) / (len(ids) + len(other))
                assert alike < (0.7 if narrow else 0.4), name

    def test_names_are_three_words_of_the_set(self, sets: TokenSets) -> None:
        for name in sets:
            words = name.removeprefix("module:").split("/")
            spelled = {text.strip().casefold() for text in sets.texts(name)}
            assert len(words) >= 3
            assert set(words) <= spelled
            assert all(len(word) > 1 and word.isalpha() for word in words)
            assert len({word[:4] for word in words}) == len(words)

    def test_no_two_say_the_same(self, sets: TokenSets) -> None:
        members = [set(sets[name].tolist()) for name in sets]
        for at, one in enumerate(members):
            for other in members[:at]:
                assert len(one & other) < 0.8 * len(one | other)

    def test_every_module_joins_or_says_why_not(self, sets: TokenSets) -> None:
        every = discover(part_of_the_demo())
        told = {ids.tobytes() for ids in map(sets.__getitem__, sets)}
        told |= {aside.ids.tobytes() for aside in sets.set_aside}
        assert {every[name].tobytes() for name in every} == told
        assert all(aside.reason for aside in sets.set_aside)


def mean_cosine(rows: np.ndarray) -> float:
    total, n = float((rows.sum(0) ** 2).sum()), len(rows)
    return (total - n) / (n * (n - 1))

"""Modules that were planted are found, named and measured; noise has none."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from unembed import Features, Unembedding, Vocabulary, prepare_unembedding
from unembed.discovery import DiscoverSettings, discover
from unembed.discovery.graph import cohesion, communities, mutual_neighbours
from unembed.discovery.words import directions, words_of
from unembed.errors import ShapeError
from unembed.tokensets import TokenSets
from unembed.tokensets.reading import Reading

pytestmark = pytest.mark.slow

D = 64
N_NOISE = 1_500
GROUPS = {
    "fruit": "apple pear plum fig lime mango peach grape",
    "metals": "iron gold zinc lead copper nickel cobalt tin",
    "greek": "alpha beta gamma delta kappa sigma omega theta",
}


def texts() -> list[str]:
    planted = [f" {word}" for words in GROUPS.values() for word in words.split()]
    spelled = [text.strip() for text in planted]
    return ["<s>", *planted, *spelled, *(f" noise{i}" for i in range(N_NOISE))]


VOCABULARY = Vocabulary.from_texts(texts(), special=[0])
KNOWN = TokenSets.from_ids(
    {
        name: [i for i, text in enumerate(texts()) if text.strip() in words.split()]
        for name, words in GROUPS.items()
        if name != "greek"
    },
    VOCABULARY,
    family="meaning/x",
)


def planted(seed: int = 0, strength: float = 1.0) -> Unembedding:
    """Rows of noise, with three groups of words about a direction each."""
    random = torch.Generator().manual_seed(seed)
    W_U = torch.randn(len(VOCABULARY), D, generator=random)
    centres = torch.randn(3, D, generator=random) * 3 * strength
    for i, text in enumerate(VOCABULARY.texts):
        for centre, words in zip(centres, GROUPS.values(), strict=True):
            if text.strip() in words.split():
                W_U[i] += centre
    return prepare_unembedding(W_U, VOCABULARY, name="planted")


def members(sets: TokenSets, name: str) -> set[str]:
    return {text.strip() for text in sets.texts(name)}


@pytest.fixture(scope="module")
def found() -> TokenSets:
    return discover(planted(), known=KNOWN)


class TestRows:
    def test_planted_modules_are_found_and_named(self, found: TokenSets) -> None:
        assert members(found, "module:fruit") == set(GROUPS["fruit"].split())
        assert members(found, "module:metals") == set(GROUPS["metals"].split())
        (greek,) = (name for name in found if "/" in name)
        assert members(found, greek) == set(GROUPS["greek"].split())
        assert set(greek.removeprefix("module:").split("/")) <= set(GROUPS["greek"].split())
        assert len(found) == 3

    def test_evidence(self, found: TokenSets) -> None:
        info = found.info("module:fruit")
        assert info.family == "discovered/rows"
        assert info.source == "W_U of planted"
        assert "8 words, mean cosine 0." in info.description
        assert "16 of its 16 tokens are among the 16 of fruit" in info.description

    def test_noise_has_none(self) -> None:
        assert not len(discover(planted(strength=0), known=KNOWN))

    def test_the_same_seed_gives_the_same(self, found: TokenSets) -> None:
        again = discover(planted(), known=KNOWN)
        assert again.names == found.names
        assert again.ids.tolist() == found.ids.tolist()

    def test_without_known_sets_words_name_them(self) -> None:
        assert all("/" in name for name in discover(planted()))

    def test_spellings_are_one_word(self) -> None:
        """Of " fig" and "fig" alone there is no module, however near they are."""
        settings = DiscoverSettings(min_words=9)
        assert not len(discover(planted(), settings=settings))

    def test_masked_tokens_are_never_members(self, found: TokenSets) -> None:
        assert not VOCABULARY.masked[found.ids].any()

    def test_progress_ends_at_the_whole(self) -> None:
        seen: dict[str, tuple[int, int]] = {}
        discover(planted(), progress=lambda step, done, total: seen.update({step: (done, total)}))
        assert set(seen) == {"Words of W_U", "As many random directions"}
        assert all(done == total > N_NOISE for done, total in seen.values())


class TestWords:
    def test_directions_are_unit_and_whitened(self) -> None:
        unembedding = planted()
        stretched = prepare_unembedding(
            unembedding.W_U * torch.linspace(1, 50, D),
            Vocabulary.from_texts(list(VOCABULARY.texts[1:])),
        )
        words = words_of(Reading(unembedding.vocabulary))
        points = directions(unembedding, words)
        assert torch.allclose(points.norm(dim=1), torch.ones(len(points)), atol=1e-5)
        same = words_of(Reading(stretched.vocabulary))
        assert same.names == words.names
        one, other = points @ points.T, directions(stretched, same) @ directions(stretched, same).T
        assert torch.allclose(one, other, atol=1e-3)

    def test_a_direction_that_no_row_has_stays_out(self) -> None:
        W_U = planted().W_U.clone()
        W_U[:, 0] = 0
        unembedding = prepare_unembedding(W_U, Vocabulary.from_texts(list(VOCABULARY.texts[1:])))
        words = words_of(Reading(unembedding.vocabulary))
        assert torch.isfinite(directions(unembedding, words)).all()


class TestGraph:
    points = torch.nn.functional.normalize(
        torch.randn(300, 16, generator=torch.Generator().manual_seed(1))
    )

    def test_neighbours_are_mutual_and_nearest(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("unembed.discovery.graph._BLOCK_BYTES", 4 * 300 * 7)
        graph = mutual_neighbours(self.points, 5, "cpu", lambda done, total: None)
        cosine = (self.points @ self.points.T).fill_diagonal_(-2).numpy()
        nearest = np.argsort(-cosine, axis=1)[:, :5]
        expected = {
            (i, int(j)) for i in range(300) for j in nearest[i] if i < j and i in nearest[j]
        }
        assert {(min(edge), max(edge)) for edge in graph.edges} == expected
        for one, other, facts in graph.edges(data=True):
            assert facts["weight"] == pytest.approx(cosine[one, other], abs=1e-5)

    def test_cohesion_is_the_mean_cosine_of_pairs(self) -> None:
        nodes = np.array([3, 10, 40, 77])
        cosine = (self.points @ self.points.T).numpy()[np.ix_(nodes, nodes)]
        assert cohesion(self.points, nodes) == pytest.approx(
            cosine[~np.eye(4, dtype=bool)].mean(), abs=1e-6
        )

    def test_small_communities_are_left_out(self) -> None:
        graph = mutual_neighbours(self.points, 5, "cpu", lambda done, total: None)
        assert min(map(len, communities(graph, 1.0, 6, 0))) >= 6


class TestFeatures:
    def bank(self, unembedding: Unembedding) -> Features:
        """Two features that promote fruit, one that suppresses metals, and silent ones."""
        random = torch.Generator().manual_seed(2)
        rows = torch.randn(40, D, generator=random)
        rows[3:] = 0  # a random direction of so few dimensions has heavy tails too
        for at, name, sign in ((0, "fruit", 1), (1, "fruit", 1), (2, "metals", -1)):
            ids = [i - 1 for i in KNOWN[name]]
            centre = unembedding.W_U[ids].mean(0)
            rows[at] = sign * centre + 0.02 * rows[at]
        return Features.from_array(rows, name="bank", layer=0)

    def test_what_features_write_is_found(self) -> None:
        unembedding = planted()
        settings = DiscoverSettings(min_z=4, min_kurtosis=5)
        found = discover(unembedding, self.bank(unembedding), known=KNOWN, settings=settings)
        for name in ("fruit", "metals"):
            assert members(found, f"module:{name}") == set(GROUPS[name].split())
            assert found.info(f"module:{name}").aliases == (f"module:{name} (2)",)

    def test_support_and_sign_are_told(self) -> None:
        from unembed.discovery.features import modules_of_features

        unembedding = planted()
        settings = DiscoverSettings(min_z=4, min_kurtosis=5)
        modules = modules_of_features(
            unembedding, self.bank(unembedding), settings, lambda step, done, total: None
        )
        told = {frozenset(module.typical): module.evidence for module in modules}
        fruit = told[frozenset(GROUPS["fruit"].split())]
        assert fruit.startswith("2 features, each of which promotes it: bank/")
        metals = told[frozenset(GROUPS["metals"].split())]
        digest = self.bank(unembedding).digest
        assert metals == f"1 feature suppresses it: bank/2 (features sha256 {digest[:16]})"

    def test_light_tails_have_no_say(self) -> None:
        unembedding = planted()
        settings = DiscoverSettings(min_z=4, min_kurtosis=1e6)
        found = discover(unembedding, self.bank(unembedding), settings=settings)
        assert found.families == ("discovered/rows",)

    def test_another_width(self) -> None:
        narrow = Features.from_array(np.eye(3, 8), name="narrow")
        with pytest.raises(ShapeError):
            discover(planted(), narrow)

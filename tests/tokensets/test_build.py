"""Names of collections and files, and the cache."""

from __future__ import annotations

from pathlib import Path

import pytest

from unembed import Vocabulary
from unembed.errors import MissingExtraError, TokenSetError
from unembed.tokensets import TokenSets, build_token_sets
from unembed.tokensets import cache as cache_module
from unembed.tokensets.build import _Source

TEXTS = [" of", "of", "Of", " OF", " May", "May", " June", " dog", " dogs", " cat", "(", ")", "()"]
SMALL = Vocabulary.from_texts(TEXTS)


@pytest.fixture
def builds(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The built-in collections that had to be resolved."""
    done: list[str] = []
    original = _Source._built_in

    def counted(self: _Source, name: str) -> TokenSets:
        done.append(name)
        return original(self, name)

    monkeypatch.setattr(_Source, "_built_in", counted)
    return done


class TestNames:
    def test_a_list_or_commas(self, tmp_path: Path) -> None:
        mine = tmp_path / "mine.yaml"
        mine.write_text("sets: {pets: dog dogs cat}")
        commas = build_token_sets(SMALL, f"default, {mine}")
        listed = build_token_sets(SMALL, ["default", mine])
        assert commas.names == listed.names
        assert all(name in commas for name in ("pets", "months", "form:of"))

    def test_a_path_alone(self, tmp_path: Path) -> None:
        mine = tmp_path / "a,b.yaml"
        mine.write_text("sets: {pets: dog dogs cat}")
        assert list(build_token_sets(SMALL, mine)) == ["pets"]

    def test_family(self) -> None:
        found = build_token_sets(SMALL, family=["time", "surface/case"])
        assert {info.family for info in found.infos} == {"meaning/time", "surface/case"}

    @pytest.mark.parametrize(
        ("sets", "message"),
        [
            ("defualt", "no collection 'defualt'.*Did you mean 'default'"),
            ("mine.txt", r"no collection 'mine.txt'.*end in .yaml, .yml, .toml, .gmt"),
            ("mine.yaml", r"no file mine\.yaml"),
            (" , ", "No token sets were named"),
        ],
    )
    def test_unknown(self, sets: str, message: str) -> None:
        with pytest.raises(TokenSetError, match=message):
            build_token_sets(SMALL, sets)

    def test_limits(self) -> None:
        assert "months" in build_token_sets(SMALL, min_size=3)
        strict = build_token_sets(SMALL, min_size=4)
        assert "months" not in strict
        assert "months" in {each.name for each in strict.set_aside}


class TestCache:
    def test_a_second_call_resolves_nothing(self, builds: list[str]) -> None:
        first = build_token_sets(SMALL)
        again = build_token_sets(Vocabulary.from_texts(TEXTS))
        assert builds == ["default"]
        assert again.infos == first.infos
        assert [each.info for each in again.set_aside] == [each.info for each in first.set_aside]
        assert (again.ids == first.ids).all()
        assert (again.indptr == first.indptr).all()

    def test_everything_that_matters_is_in_the_key(self, builds: list[str]) -> None:
        build_token_sets(SMALL)
        build_token_sets(SMALL, min_size=4)
        build_token_sets(SMALL, max_share=0.5)
        build_token_sets(SMALL, "post")
        build_token_sets(Vocabulary.from_texts(TEXTS, special=[0]))
        assert len(builds) == 5

    def test_a_new_library_is_another_key(
        self, builds: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        build_token_sets(SMALL)
        monkeypatch.setattr(cache_module, "_library", lambda: "a later version")
        build_token_sets(SMALL)
        assert len(builds) == 2

    @pytest.mark.parametrize("damage", [b"", b"PAR1 and then nothing"])
    def test_a_damaged_file_is_made_again(self, builds: list[str], damage: bytes) -> None:
        first = build_token_sets(SMALL)
        (path,) = (cache_module.cache_folder() / "token_sets").iterdir()
        path.write_bytes(damage)
        assert build_token_sets(SMALL).names == first.names
        assert build_token_sets(SMALL).names == first.names
        assert len(builds) == 2

    def test_another_table_in_its_place(self, builds: list[str]) -> None:
        build_token_sets(SMALL)
        (path,) = (cache_module.cache_folder() / "token_sets").iterdir()
        cache_module.pl.DataFrame({"x": [1]}).write_parquet(path)
        build_token_sets(SMALL)
        assert len(builds) == 2

    def test_a_folder_that_cannot_be_written(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "file").write_text("")
        monkeypatch.setenv("UNEMBED_CACHE", str(tmp_path / "file"))
        assert "months" in build_token_sets(SMALL)

    def test_without(self, builds: list[str]) -> None:
        build_token_sets(SMALL, cache=False)
        build_token_sets(SMALL, cache=False)
        assert builds == ["default", "default"]
        assert not (cache_module.cache_folder() / "token_sets").exists()


class TestNLTK:
    def test_says_how_to_get_the_data(self, monkeypatch: pytest.MonkeyPatch) -> None:
        nltk = pytest.importorskip("nltk")
        monkeypatch.setattr(nltk.data, "path", [])
        with pytest.raises(MissingExtraError, match=r"python -m nltk\.downloader averaged"):
            build_token_sets(SMALL, "nltk")

    def test_with_a_tagger(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """NLTK's own tagger, trained here on a few words, in the place of its data."""
        nltk = pytest.importorskip("nltk")
        from nltk.tag import perceptron

        lesson = [[(word, tag)] for word, tag in (
            ("of", "IN"), ("Of", "IN"), ("OF", "IN"), ("May", "NNP"), ("June", "NNP"),
            ("dog", "NN"), ("cat", "NN"), ("dogs", "NNS"),
        )]  # fmt: skip
        monkeypatch.setattr(perceptron.random, "shuffle", lambda sentences: None)
        tagger = perceptron.PerceptronTagger(load=False)
        tagger.train(lesson, nr_iter=8)
        folder = tmp_path / "taggers" / "averaged_perceptron_tagger_eng"
        folder.parent.mkdir()
        monkeypatch.setattr(nltk.data, "path", [str(tmp_path)])
        getattr(nltk.tag._get_tagger, "cache_clear", str)()  # another test's may be kept
        tagger.save_to_json(lang="eng", loc=str(folder))
        words = {text.strip() for text in TEXTS if text.strip().isalpha()}
        expected = {f"nltk_pos_{nltk.pos_tag([word])[0][1]}" for word in words}
        found = build_token_sets(SMALL, "nltk", min_size=1)
        assert set(found) == expected
        assert len(expected) > 2
        assert found.texts("nltk_pos_NNP") == [" May", "May", " June"]

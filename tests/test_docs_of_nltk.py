"""The example with NLTK's tags is run as it stands: by NLTK's tagger, trained here on a lexicon.

NLTK's own data is in no package, and is not there where this is tested.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

import unembed
from tests.plots import reading
from unembed import Unembedding
from unembed.demo import MODEL

PAGE = Path(__file__).parents[1] / "docs" / "the-post.md"
TAGS = ["PRP", "VBZ", "NNP", "VBN", "VBG", "VB", "VBD", "NN", "NNS", "JJ", "RB", "IN"]
_MOST = 600
"""Words of each tag, which is enough for a tagger of spelling alone."""


def example() -> str:
    section = PAGE.read_text().partition("## Parts of speech")[2].partition("\n## ")[0]
    (code,) = re.findall(r"```py\n(.*?)```", section, re.DOTALL)
    return str(code)


@pytest.fixture
def tagger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unembedding: Unembedding) -> None:
    """NLTK's tagger of sentences, of words that bear one of the tags and no other, each alone."""
    nltk = pytest.importorskip("nltk")
    from nltk.tag import perceptron

    known = unembed.build_token_sets(unembedding.vocabulary, "post", family="post")
    words = {tag: {text.strip() for text in known.texts(f"post:pos_{tag}")} for tag in TAGS}
    borne = Counter(word for each in words.values() for word in each)
    lesson = [
        [(word, tag)]
        for tag, each in words.items()
        for word in sorted(word for word in each if borne[word] == 1 and word.isalpha())[:_MOST]
    ]
    made = perceptron.PerceptronTagger(load=False)
    made.train(lesson, nr_iter=3)
    folder = tmp_path / "taggers" / "averaged_perceptron_tagger_eng"
    folder.parent.mkdir()
    monkeypatch.setattr(nltk.data, "path", [str(tmp_path)])
    getattr(nltk.tag._get_tagger, "cache_clear", str)()  # another test's may be kept
    made.save_to_json(lang="eng", loc=str(folder))


@pytest.fixture(scope="module")
def unembedding() -> Unembedding:
    return unembed.load_unembedding(MODEL)


@pytest.mark.slow
@pytest.mark.usefixtures("in_shared_cache", "tagger")
def test_the_example_with_nltks_tags(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    unembedding: Unembedding,
) -> None:
    monkeypatch.chdir(tmp_path)
    neurons = unembed.load_features("mlp:26,29", model=MODEL)
    names = {"unembed": unembed, "unembedding": unembedding, "neurons": neurons}
    exec(example(), names)
    tagged, run = names["tagged"], names["by_tag"]
    ing = tagged.texts("nltk_pos_VBG")
    assert len(ing) > 500
    assert sum(text.strip().lower().endswith("ing") for text in ing) > 0.95 * len(ing)
    titles = reading.titles(names["verbs"])
    assert [title.split(" ")[0] for title in titles[:4]] == [
        f"nltk_pos_{tag}" for tag in ("VBN", "VBG", "VB", "VBD")
    ]  # fmt: skip
    best = run.enrichment(token_set="nltk_pos_VBG").row(0, named=True)
    assert best["log10_q"] < -5
    lines = [each["text"] for each in reading.named(names["best"], "feature")]
    assert f"<b>{best['feature']}</b>" in lines[0]
    said = dict(re.findall(r"^(\w+) .* (\d+)% in both$", capsys.readouterr().out, re.MULTILINE))
    assert set(said) == {"PRP", "VBZ", "NNP", "VBN", "VBG", "VB", "VBD"}
    assert int(said["VBG"]) > 50

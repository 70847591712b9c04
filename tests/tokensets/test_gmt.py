"""GMT: any token survives the way to a file and back, and other tools can read it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tokensets.vocabularies import default_sets
from unembed import Vocabulary
from unembed.errors import TokenSetError
from unembed.tokensets import TokenSets, read_gmt, write_gmt
from unembed.tokensets.assemble import assemble

AWKWARD = Vocabulary.from_ids(
    dict(enumerate([
        b"A", b" A", b"A", b"\n\n", b"\t", b"\\n", b" ", b"\xe2\x80", b"\xe2\x80\x94", b"\xc2\xa0",
        "␣".encode(), b"a,1.0", b"\\x41", b"", b" trailing ", b"\r", b"\x00", "\u2028".encode(),
    ])),
    unused=[13],
    kind="test",
)  # fmt: skip


def again(sets: TokenSets, path: Path, vocabulary: Vocabulary) -> TokenSets:
    write_gmt(sets, path)
    return assemble(read_gmt(path, vocabulary), vocabulary, min_size=0, max_share=1)


def test_awkward_tokens_come_back(tmp_path: Path) -> None:
    everything = [token for token in range(len(AWKWARD)) if token != 13]
    sets = TokenSets.from_ids({"all": everything, "one": [7]}, AWKWARD, family="f/g")
    found = again(sets, tmp_path / "x.gmt", AWKWARD)
    assert found["all"].tolist() == everything
    assert found["one"].tolist() == [7]
    assert found.families == ("f/g",)
    assert found.info("all").missed == 0


def test_members_hold_no_white_space_and_are_unique(tmp_path: Path) -> None:
    everything = [token for token in range(len(AWKWARD)) if token != 13]
    write_gmt(TokenSets.from_ids({"all": everything}, AWKWARD), tmp_path / "x.gmt")
    (line,) = (tmp_path / "x.gmt").read_text().splitlines()
    members = line.split("\t")[2:]
    assert all(member and not any(map(str.isspace, member)) for member in members)
    assert len(set(members)) == len(members) == len(everything)
    assert members[1:4] == ["␣A", "A", r"\n\n"]


@pytest.mark.inputs
@pytest.mark.parametrize("name", ["gpt2", "llama2"])
def test_a_real_vocabulary_comes_back(name: str, tmp_path: Path) -> None:
    sets = default_sets(name)
    found = again(sets, tmp_path / "x.gmt", sets.vocabulary)
    assert {each: found[each].tolist() for each in found} == {
        each: sets[each].tolist() for each in sets
    }


def test_another_vocabulary_reads_the_words(tmp_path: Path) -> None:
    write_gmt(TokenSets.from_ids({"a": [0, 1, 7]}, AWKWARD), tmp_path / "x.gmt")
    (draft,) = read_gmt(tmp_path / "x.gmt", Vocabulary.from_texts([" A", "—", "b"]))
    assert draft.ids.tolist() == [0]
    assert set(draft.missed) == {r"\x41", r"\xe2\x80"}


def test_by_ids(tmp_path: Path) -> None:
    write_gmt(TokenSets.from_ids({"a": [0, 7]}, AWKWARD), tmp_path / "x.gmt", members="ids")
    assert (tmp_path / "x.gmt").read_text() == "a\tna\t0\t7\n"
    (draft,) = read_gmt(tmp_path / "x.gmt", AWKWARD, members="ids")
    assert draft.ids.tolist() == [0, 7]


def test_a_file_of_other_tools(tmp_path: Path) -> None:
    path = tmp_path / "msigdb.gmt"
    path.write_text("HALLMARK\thttps://example.org/x\tA\t A\tZZZ\t\r\n\n")
    (draft,) = read_gmt(path, AWKWARD)
    assert (draft.info.name, draft.info.family) == ("HALLMARK", "msigdb")
    assert draft.info.description == "https://example.org/x"
    assert draft.ids.tolist() == [1, 2]
    assert draft.missed == ("ZZZ",)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_no_part_of_a_name(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "x.gmt"
    path.write_bytes("first\tna\tA\r\nsecond\tna\tA\r\n".encode(encoding))
    assert [draft.info.name for draft in read_gmt(path, AWKWARD)] == ["first", "second"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\tb\tc\nx\ty\n", "line 2: expected a name, a description and members.*found 2 fields"),
        ("a\tb\tA\na\tb\tA\n", "line 2: the set 'a' stands in line 1 too"),
    ],
)
def test_a_mistake_has_a_line(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "x.gmt").write_text(text)
    with pytest.raises(TokenSetError, match=message):
        list(read_gmt(tmp_path / "x.gmt", AWKWARD))

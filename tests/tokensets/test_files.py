"""A person's own YAML and TOML: what it may say, and the line of every mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from unembed import Vocabulary
from unembed.errors import TokenSetError
from unembed.outside.regex import Pattern
from unembed.tokensets import TokenSets, build_token_sets
from unembed.tokensets.check import check_file
from unembed.tokensets.definitions import Characters, Combination, Regex, Words
from unembed.tokensets.files.definitions import read_definitions

YAML = r"""
family: chemistry
source: my notebook
sets:
  noble_gases:
    description: >-
      The noble
      gases.
    words: helium neon argon
    case: sentence
    space: required
    pieces: skip
    except: [Argon]
  answers: ["yes", no, on, off, 1]
  short: no on off
  atomic:
    family: chemistry/numbers
    source: counted
    regex: '^\d+$'
    space: kept
  greek: {characters: '\p{Greek}', how: any}
  both: {union: [answers, atomic]}
"""

TOML = r"""
family = "chemistry"
source = "my notebook"

[sets]
answers = ["yes", "no", "on", "off", "1"]
short = "no on off"
greek = {characters = '\p{Greek}', how = "any"}
both = {union = ["answers", "atomic"]}

[sets.noble_gases]
description = "The noble gases."
words = "helium neon argon"
case = "sentence"
space = "required"
pieces = "skip"
except = ["Argon"]

[sets.atomic]
family = "chemistry/numbers"
source = "counted"
regex = '^\d+$'
space = "kept"
"""


@pytest.mark.parametrize(("ending", "text"), [("yaml", YAML), ("yml", YAML), ("toml", TOML)])
def test_everything_a_file_may_say(tmp_path: Path, ending: str, text: str) -> None:
    path = tmp_path / f"mine.{ending}"
    path.write_text(text)
    read = {each.name: each for each in read_definitions(path)}
    gases = read["noble_gases"]
    assert (gases.family, gases.description, gases.source) == (
        "chemistry", "The noble gases.", "my notebook",
    )  # fmt: skip
    assert gases.rule == Words(
        ("helium", "neon", "argon"), "sentence", "required", "skip", frozenset({"Argon"})
    )
    assert read["answers"].rule == Words(("yes", "no", "on", "off", "1"), "raised", "whole")
    assert read["short"].rule == Words(("no", "on", "off"))
    assert (read["atomic"].family, read["atomic"].source) == ("chemistry/numbers", "counted")
    assert read["atomic"].rule == Regex(Pattern(r"^\d+$"), "kept")
    assert read["greek"].rule == Characters(r"\p{Greek}", "any")
    assert read["both"].rule == Combination("union", ("answers", "atomic"))


def test_the_files_name_is_the_family_if_it_says_none(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("sets: {a: b}")
    (read,) = read_definitions(path)
    assert (read.family, read.source) == ("mine", "mine.yaml")


MISTAKES = [
    ("sets:\n  a: {words: x", "line 3: this is no YAML"),
    ("family: f", "line 1: there is no 'sets'"),
    ("", "line 1: there is no 'sets'"),
    ("- a", "line 1: expected a table"),
    ("sets: [a]", "line 1: expected a table"),
    ("set:\n  a: b", "line 1: 'set' is no key of a file.*Did you mean 'sets'"),
    ("sets:\n  a:\n    word: x", "line 3: 'word' is no key of the set 'a'.*Did you mean 'words'"),
    ("sets:\n  a:\n    family: x", "line 2: the set 'a' should have one of .* none of them"),
    ("sets:\n  a:\n    words: x\n    regex: y", "line 2: .* it has words and regex"),
    ("sets:\n  a:\n    words: x\n    case: raise", "line 4: 'case' is 'raise'.*mean 'raised'"),
    ("sets:\n  a:\n    words: x\n    how: any", "line 4: 'how' says nothing about 'words'"),
    ("sets:\n  a:\n    words: x\n    space: kept", "line 4: 'space' is 'kept', but should be one"),
    ("sets:\n  a:\n    regex: x\n    case: raised", "line 4: 'case' is 'raised'"),
    ("sets:\n  a:\n    regex: '('", r"line 3: '\(' is no regular expression"),
    ("sets:\n  a:\n    characters: '\\p{Greeek}'", "line 3: .* is no class of characters"),
    ("sets:\n  a:\n    words: []", "line 3: there are no words"),
    ("sets:\n  a: ''", "line 2: there are no words"),
    ("sets:\n  a: [x, '']", "line 2: a word is empty"),
    ("sets:\n  a: [x, [y]]", "line 2: expected a text"),
    ("sets:\n  a:\n    words: {x: y}", "line 3: expected words"),
    ("sets:\n  a: x\n  b: y\n  a: z", r"line 4: 'a' stands here a second time \(first in line 2\)"),
    ("sets:\n  a:\n    description: [x]\n    words: y", "line 3: expected a text"),
    ("sets:\n  ? [a]\n  : b", "line 2: a name should be a text"),
    ("sets: &a\n  x: *a\n", "line 1: what begins here holds an alias of itself"),
    ("sets:\n  a: x\n  b: &b\n    c: &c [*b]\n  d: *c", "line 3: .* alias of itself"),
    ("family: x\nsets:\n  a: &a [*a]", "line 3: what begins here holds an alias of itself"),
    ("sets: " + "[" * 9, "this is no YAML"),
    ("sets: " + "[" * 65 + "]" * 65, "line 1: lists and tables lie more than 64 deep"),
    ("sets: " + "[" * 5000 + "]" * 5000, "line 1: .* (deep|depth)"),
]


@pytest.mark.parametrize(("text", "message"), MISTAKES)
def test_a_mistake_has_a_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(TokenSetError, match=message) as caught:
        read_definitions(path)
    assert str(caught.value).startswith(f"{path}, line ")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sets = [", "mine.toml: this is no TOML"),
        ("[sets]\na = b", "line 2: this is no TOML"),
        ("[sets.a]\nwords = 'x'\n\n[sets.b]\nword = 'y'", "line 5: 'word' is no key"),
        ("[sets.'a b']\nregex = '('", r"line 2: '\(' is no regular"),
        ("[sets]\na = 'x'\nb = {case = 'any'}", "line 3: the set 'b' should have one"),
        ("[sets.a]\nwords = 'x'\n[sets.a]", "line 3: this is no TOML"),
        ("[sets]\na = [['x']]", "line 2: expected a text"),
        ("[sets]\na = [{x = 'y'}]", "line 2: expected a text"),
        ("sets = " + "[" * 5000 + "]" * 5000, "lists and tables lie more than 64 deep"),
        (f"[{'.'.join('a' * 40)}]\nb = 1", "a key has more than 8 parts"),
    ],
)
def test_a_mistake_in_toml_has_a_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(TokenSetError, match=message):
        read_definitions(path)


def test_patterns_that_nobody_limits_are_ours_alone(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("sets:\n  mine: {spelled: '(a{1000}){1000}'}\n")
    with pytest.raises(TokenSetError, match="'spelled' is no key of the set 'mine'"):
        read_definitions(path)
    assert read_definitions(path, ours=True)[0].name == "mine"


def test_an_alias_is_what_it_names(tmp_path: Path) -> None:
    found = built(tmp_path, "sets:\n  a: &gases [helium, neon, argon]\n  b: {words: *gases}")
    assert found.texts("a") == found.texts("b")


def test_aliases_of_aliases_do_not_grow(tmp_path: Path) -> None:
    """Written out, these would be ten to the power of forty words."""
    path = tmp_path / "mine.yaml"
    rows = [f"  x{i}: &x{i} [{', '.join([f'*x{i - 1}'] * 10)}]\n" for i in range(1, 40)]
    path.write_text("sets:\n  x0: &x0 [a]\n" + "".join(rows))
    with pytest.raises(TokenSetError, match=r"line 7: it holds more than 300,000 values, aliases"):
        read_definitions(path)


def test_toml_writes_true_and_false_as_yaml_does(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("[sets]\na = [true, false, 1]")
    rule = read_definitions(path)[0].rule
    assert isinstance(rule, Words)
    assert rule.entries == ("true", "false", "1")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize(("name", "text"), [("mine.yaml", YAML), ("mine.toml", TOML)])
def test_byte_order_marks(tmp_path: Path, name: str, text: str, encoding: str) -> None:
    marked, plain = tmp_path / name, tmp_path / f"plain-{name}"
    marked.write_bytes(text.strip().replace("\n", "\r\n").encode(encoding))
    plain.write_text(text)
    assert [each.name for each in read_definitions(marked)] == [
        each.name for each in read_definitions(plain)
    ]


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(TokenSetError, match=r"binary\.yaml, line 1: the byte 0x00 is no UTF-16"):
        read_definitions(tmp_path / "binary.yaml")
    with pytest.raises(TokenSetError, match="There is no file"):
        build_token_sets(Vocabulary.from_texts(["a"]), tmp_path / "none.yaml")


VOCABULARY = Vocabulary.from_texts(
    [" helium", " neon", " argon", " Argon", "helium", " March", " of", "of", "Of", "12", " x"]
)


def built(tmp_path: Path, text: str) -> TokenSets:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    return build_token_sets(VOCABULARY, path, min_size=1)


def test_sets_of_ones_own(tmp_path: Path) -> None:
    found = built(
        tmp_path, "sets:\n  gases: helium neon argon xenon\n  number: {regex: '^[0-9]+$'}"
    )
    assert found.texts("gases") == [" helium", " neon", " argon", " Argon", "helium"]
    assert found.info("gases").missed == 1
    assert found.texts("number") == ["12"]


@pytest.mark.parametrize("more", ["", " Capital"])
def test_names_in_a_vocabulary_without_capitals(tmp_path: Path, more: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("sets:\n  a: France =US\n  b: {words: France, case: exact}")
    texts = [f" word{i}" for i in range(1_000)]
    found = build_token_sets(
        Vocabulary.from_texts([*texts, " france", " us", more]), path, min_size=0
    )
    assert found.texts("a") == ([] if more else [" france"])
    assert found.texts("b") == []


def test_may_build_on_the_built_in_sets(tmp_path: Path) -> None:
    text = "sets:\n  x: {union: ['form:of', months]}\n  y: {difference: [x, 'form:of']}"
    found = built(tmp_path, text)
    assert found.texts("x") == [" March", " of", "of", "Of"]
    assert found.texts("y") == [" March"]


@pytest.mark.parametrize("names", [["a", "b"], [f"s{i}" for i in range(500)]])
def test_sets_made_of_sets_without_end(tmp_path: Path, names: list[str]) -> None:
    rows = [f"  {a}: {{union: [{b}]}}" for a, b in zip(names, [*names[1:], names[0]], strict=True)]
    with pytest.raises(TokenSetError, match=r"made of itself|more than 100 deep"):
        built(tmp_path, "\n".join(["sets:", *rows]))


def test_check_says_what_each_set_comes_to(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        "sets:\n  gases: helium neon argon xenon\n  few: helium\n  of: {regex: '^[Oo]f$'}"
    )
    gases, few, of = check_file(path, VOCABULARY)
    assert (gases.size, gases.words, gases.missed) == (5, 4, ["xenon"])
    assert gases.set_aside is None
    assert few.set_aside == "2 tokens in this vocabulary, fewer than 3"
    assert "form:of" in of.same_as

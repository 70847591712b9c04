"""Published vocabularies against the `tokenizers` library: what is encoded must read back.

`scripts/fetch_inputs.py` fetches them; only SmolLM2's, which lies in the package, is always here.
"""

from __future__ import annotations

import base64
import gzip
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from unembed import Vocabulary
from unembed.demo import MODEL as DEMO
from unembed.errors import VocabularyError
from unembed.load import load_vocabulary

INPUTS = Path(__file__).parents[2] / ".inputs"

pytestmark = pytest.mark.inputs

TEXTS = {
    "english": "The quick brown fox didn't jump; it’s “lazy” — isn't it? 'tis, they'll say…",
    "code": "def f(x):\n\tif x:\n\t\treturn {'a': [1]}\n    # four\n        ''' eight '''\r\n\n\n",
    "spaces": "  two   three                                            many, and at the end   ",
    "tabs": "\ta\t\tb\n\n\n\nc\n \n\t\n",
    "emoji": "😀👩‍👩‍👧‍👦🏳️‍🌈 🇩🇪 👍🏽 ok",
    "cjk": "今天天气很好。日本語のテキスト、한국어 문장 𠮷野家",
    "arabic": "السَّلَامُ عَلَيْكُمْ ١٢٣ שלום हिन्दी ไทย",
    "combining": "e\u0301a\u0308 n\u0303 Å \ufb01 \u1e9b\u0323 Z\u0351\u036b\u0343",
    "marks": "▁typed ▁▁ Ġtyped Ċ ĠĠ â <0x0A> </w> ## @@",
    "digits": "0 1 12 123 1234567890 3.14159 1,000,000 ²³ Ⅻ ٣",
    "rare": "\u00a0\u2003\u200b\u3000\x00\x01\x7f\x85\u2028\ufffd\U0010fffd",
    "html": '<div class="a"><u>x</u><table>\n<h1>y</h1></table></div> <|not_a_token|> [unused]',
}


@dataclass(frozen=True)
class Published:
    """A vocabulary as unembed reads it, beside the library's own tokenizer of it."""

    vocabulary: Vocabulary
    tokenizer: Tokenizer
    mark: str
    """How its pieces spell a leading space."""
    written: Callable[[str], str] = str
    """The text that the tokens of a text write, where the tokenizer changes it."""

    @cached_property
    def pieces(self) -> dict[int, str]:
        """Every unmasked id → its piece, as the library spells it."""
        masked = self.vocabulary.masked
        vocab = self.tokenizer.get_vocab(with_added_tokens=True)
        return {index: piece for piece, index in vocab.items() if not masked[index]}

    @cached_property
    def decoded(self) -> dict[int, str]:
        """Every unmasked id → its text behind a letter, as the library decodes it."""
        letter = self.tokenizer.token_to_id("a")
        texts = self.tokenizer.decode_batch(
            [[letter, index] for index in self.pieces], skip_special_tokens=False
        )
        return {index: text[1:] for index, text in zip(self.pieces, texts, strict=True)}


def wanted(*parts: str) -> Path:
    path = INPUTS.joinpath(*parts)
    if not path.is_file():
        pytest.skip(f"{'/'.join(parts)} is not in .inputs: run scripts/fetch_inputs.py")
    return path


def published(path: Path, mark: str, written: Callable[[str], str] = str) -> Published:
    return Published(load_vocabulary(path), Tokenizer.from_file(str(path)), mark, written)


@cache
def gpt2() -> Published:
    encoder, merges = wanted("gpt2", "encoder.json"), wanted("gpt2", "vocab.bpe")
    tokenizer = Tokenizer(models.BPE.from_file(str(encoder), str(merges)))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return Published(load_vocabulary(encoder.parent), tokenizer, "Ġ")


@cache
def llama2() -> Published:
    path = wanted("llama2", "tokenizer.json")
    return published(path, "▁", lambda text: " " + text.replace("▁", " "))


@cache
def qwen3() -> Published:
    path = wanted("qwen3", "tokenizer.json")
    return published(path, "Ġ", lambda text: unicodedata.normalize("NFC", text))


@cache
def gemma3() -> Published:
    path = wanted("gemma3", "tokenizer.json")
    return published(path, "▁", lambda text: text.replace("▁", " "))


@cache
def smollm2_demo() -> Published:
    return published(DEMO / "tokenizer.json", "Ġ")


@cache
def cl100k() -> tuple[Vocabulary, list[str]]:
    """The vocabulary, and the lines of its file."""
    path = wanted("cl100k", "cl100k_base.tiktoken.gz")
    return load_vocabulary(path), gzip.decompress(path.read_bytes()).decode().splitlines()


LOADERS = {load.__name__: load for load in (gpt2, llama2, qwen3, gemma3, smollm2_demo)}


@pytest.fixture(params=LOADERS)
def real(request: pytest.FixtureRequest) -> Published:
    return LOADERS[request.param]()


@pytest.fixture(scope="module", autouse=True)
def _forget() -> Iterator[None]:
    """Each is read once, and kept no longer than this module's tests."""
    yield
    for load in (*LOADERS.values(), cl100k):
        load.cache_clear()


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_round_trip(real: Published, text: str) -> None:
    encoded = real.tokenizer.encode(text, add_special_tokens=False).ids
    raw = b"".join(real.vocabulary.token_bytes[index] for index in encoded)
    assert raw == real.written(text).encode()
    assert not real.vocabulary.masked[encoded].any()


def test_each_text_is_the_one_the_library_decodes(real: Published) -> None:
    """Alone, bytes that are no character read as U+FFFD in both."""
    token_bytes = real.vocabulary.token_bytes
    different = {
        index: (text, token_bytes[index])
        for index, text in real.decoded.items()
        if token_bytes[index].decode("utf-8", errors="replace") != text
    }
    assert not different
    assert len(real.decoded) == np.count_nonzero(~real.vocabulary.masked)


def test_leading_spaces_are_those_of_the_pieces(real: Published) -> None:
    sentencepiece = real.mark == "▁"
    expected = {
        index
        for index, piece in real.pieces.items()
        if piece.startswith(real.mark) or (sentencepiece and piece == "<0x20>")
    }
    token_bytes = real.vocabulary.token_bytes
    assert {index for index in real.pieces if token_bytes[index].startswith(b" ")} == expected
    # The Maltese letter Ġ is a token of some; it is never the spelling of a space.
    assert {text for text in real.vocabulary.texts if text.startswith(("Ġ", "▁"))} <= {"Ġ"}


def test_partial_characters_are_those_the_library_cannot_decode(real: Published) -> None:
    partial = real.vocabulary.partial_utf8
    broken = {
        index
        for index, text in real.decoded.items()
        if "\ufffd" in text.replace("\ufffd", "", real.vocabulary.texts[index].count("\ufffd"))
    }
    assert {index for index in real.pieces if partial[index]} == broken


def test_no_id_but_the_unused_is_without_bytes(real: Published) -> None:
    empty = np.array([not raw for raw in real.vocabulary.token_bytes])
    assert not (empty & ~real.vocabulary.unused).any()
    assert not (real.vocabulary.special & real.vocabulary.unused).any()


class TestGPT2:
    @pytest.fixture
    def vocabulary(self) -> Vocabulary:
        return gpt2().vocabulary

    def test_flags(self, vocabulary: Vocabulary) -> None:
        assert len(vocabulary) == 50_257
        assert np.flatnonzero(vocabulary.masked).tolist() == [50_256]
        assert vocabulary.texts[50_256] == "<|endoftext|>"

    def test_known_ids(self, vocabulary: Vocabulary) -> None:
        known = {198: "\n", 220: " ", 262: " the", 464: "The", 50_255: " gazed"}
        assert {index: vocabulary.texts[index] for index in known} == known

    def test_the_file_alone(self, vocabulary: Vocabulary) -> None:
        alone = load_vocabulary(wanted("gpt2", "encoder.json"))
        assert alone.digest == vocabulary.digest


class TestSmolLM2:
    @pytest.fixture
    def vocabulary(self) -> Vocabulary:
        return smollm2_demo().vocabulary

    def test_flags(self, vocabulary: Vocabulary) -> None:
        assert len(vocabulary) == 49_152
        assert np.flatnonzero(vocabulary.special).tolist() == list(range(17))
        assert vocabulary.texts[:3] == ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
        assert not vocabulary.unused.any()

    def test_leading_spaces(self, vocabulary: Vocabulary) -> None:
        spaced = np.array([raw.startswith(b" ") for raw in vocabulary.token_bytes])
        assert np.count_nonzero(spaced & ~vocabulary.masked) == 31_985

    def test_gguf_says_the_same(self, vocabulary: Vocabulary, smollm2: Path) -> None:
        """Two formats, written by two programs, of one tokenizer."""
        read = load_vocabulary(smollm2)
        assert read.kind == "GGUF, gpt2"
        assert read.token_bytes == vocabulary.token_bytes
        assert read.digest == vocabulary.digest


class TestLlama2:
    @pytest.fixture
    def vocabulary(self) -> Vocabulary:
        return llama2().vocabulary

    def test_flags(self, vocabulary: Vocabulary) -> None:
        assert len(vocabulary) == 32_000
        assert np.flatnonzero(vocabulary.masked).tolist() == [0, 1, 2]
        assert vocabulary.texts[:3] == ("<unk>", "<s>", "</s>")

    def test_byte_tokens(self, vocabulary: Vocabulary) -> None:
        assert vocabulary.token_bytes[3:259] == tuple(bytes([byte]) for byte in range(256))
        assert np.flatnonzero(vocabulary.partial_utf8).tolist() == list(range(3 + 128, 259))

    def test_known_ids(self, vocabulary: Vocabulary) -> None:
        known = {13: "\n", 278: " the", 29_871: " ", 259: "  ", 263: " a"}
        assert {index: vocabulary.texts[index] for index in known} == known


class TestQwen3:
    @pytest.fixture
    def vocabulary(self) -> Vocabulary:
        return qwen3().vocabulary

    def test_flags(self, vocabulary: Vocabulary) -> None:
        assert len(vocabulary) == 151_669
        names = [vocabulary.texts[index] for index in np.flatnonzero(vocabulary.special)]
        assert len(names) == 20
        assert all(re.fullmatch(r"<\|\w+\|>", name) for name in names)
        assert vocabulary.texts[151_643] == "<|endoftext|>"
        assert not vocabulary.unused.any()

    def test_text_that_was_added_is_text(self, vocabulary: Vocabulary) -> None:
        assert vocabulary.texts[151_667:] == ("<think>", "</think>")
        assert not vocabulary.masked[151_667:].any()

    def test_padded_to_the_rows_of_the_model(self, vocabulary: Vocabulary) -> None:
        padded = vocabulary.resized(151_936)
        assert np.flatnonzero(padded.unused).tolist() == list(range(151_669, 151_936))

    def test_not_cut_into_real_tokens(self, vocabulary: Vocabulary) -> None:
        with pytest.raises(VocabularyError, match=r"token 151657 \('<tool_call>'\) has no row"):
            vocabulary.resized(151_643)


class TestGemma3:
    @pytest.fixture
    def names(self) -> dict[str, int]:
        """Piece → id, as the library reads it."""
        return gemma3().tokenizer.get_vocab(with_added_tokens=True)

    @pytest.fixture
    def vocabulary(self) -> Vocabulary:
        return gemma3().vocabulary

    def test_unused(self, vocabulary: Vocabulary, names: dict[str, int]) -> None:
        expected = [index for name, index in names.items() if name.startswith("<unused")]
        assert np.flatnonzero(vocabulary.unused).tolist() == sorted(expected)
        assert len(expected) == 6_242

    def test_special(self, vocabulary: Vocabulary) -> None:
        assert [vocabulary.texts[index] for index in np.flatnonzero(vocabulary.special)] == [
            "<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "[multimodal]", "<start_of_turn>",
            "<end_of_turn>", "<start_of_image>", "<end_of_image>", "<image_soft_token>",
        ]  # fmt: skip

    def test_html_is_text(self, vocabulary: Vocabulary, names: dict[str, int]) -> None:
        """`<s>` is struck text here, as `<u>` and `<b>` are, and no start of a text."""
        html = [names[name] for name in ("<s>", "</s>", "<u>", "<b>", "<table>", "</div>")]
        assert not vocabulary.masked[html].any()

    def test_byte_tokens(self, vocabulary: Vocabulary, names: dict[str, int]) -> None:
        at = [names[f"<0x{byte:02X}>"] for byte in range(256)]
        assert [vocabulary.token_bytes[index] for index in at] == [bytes([b]) for b in range(256)]
        assert not vocabulary.masked[at].any()
        assert np.flatnonzero(vocabulary.partial_utf8).tolist() == sorted(at[128:])

    def test_runs_of_white_space(self, vocabulary: Vocabulary) -> None:
        assert vocabulary.texts[107:138] == tuple("\n" * n for n in range(1, 32))
        assert vocabulary.texts[138:168] == tuple(" " * n for n in range(2, 32))
        assert vocabulary.texts[255_968:255_999] == tuple("\t" * n for n in range(1, 32))

    def test_fits_every_size_of_the_model(self, vocabulary: Vocabulary) -> None:
        """The 1B model has no row for images; larger ones are padded."""
        assert len(vocabulary) == 262_145
        assert len(vocabulary.resized(262_144)) == 262_144
        assert vocabulary.resized(262_208).unused[262_145:].all()


class TestCl100k:
    @pytest.fixture
    def lines(self) -> list[str]:
        return cl100k()[1]

    @pytest.fixture
    def vocabulary(self) -> Vocabulary:
        return cl100k()[0]

    def test_flags(self, vocabulary: Vocabulary) -> None:
        assert len(vocabulary) == 100_256
        assert not vocabulary.masked.any()
        assert sorted(vocabulary.token_bytes[:256]) == [bytes([byte]) for byte in range(256)]

    def test_known_ids(self, vocabulary: Vocabulary) -> None:
        """OpenAI's cookbook: how "tiktoken is great!" and "hello world" are cut."""
        assert [vocabulary.texts[i] for i in (83, 1609, 5963, 374, 2294, 0)] == [
            "t", "ik", "token", " is", " great", "!",
        ]  # fmt: skip
        assert [vocabulary.texts[i] for i in (15_339, 1_917)] == ["hello", " world"]

    def test_leading_spaces(self, vocabulary: Vocabulary, lines: list[str]) -> None:
        """In base64 the byte 0x20 begins with I and one of A to P."""
        expected = [int(line.split()[1]) for line in lines if re.match("I[A-P]", line)]
        spaced = [i for i, raw in enumerate(vocabulary.token_bytes) if raw.startswith(b" ")]
        assert spaced == expected

    @pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
    def test_round_trip(self, vocabulary: Vocabulary, lines: list[str], text: str) -> None:
        rank_of = {base64.b64decode(token): int(rank) for token, rank in map(str.split, lines)}
        raw = text.encode()
        assert b"".join(vocabulary.token_bytes[i] for i in naive_bpe(raw, rank_of)) == raw


def naive_bpe(raw: bytes, rank_of: dict[bytes, int]) -> list[int]:
    """Byte-pair encoding by its definition: the pair of least rank is merged, again and again."""
    parts = [bytes([byte]) for byte in raw]
    while True:
        pairs = [rank_of.get(a + b, len(rank_of)) for a, b in pairwise(parts)]
        if not pairs or min(pairs) == len(rank_of):
            return [rank_of[part] for part in parts]
        at = pairs.index(min(pairs))
        parts[at : at + 2] = [parts[at] + parts[at + 1]]

"""How much is read of what comes from outside: stated once, each with its reason.

Real inputs stay far below each of them. What is above is refused before memory is spent on it.
"""

from __future__ import annotations

JSON_BYTES = 64 << 20
"""The largest tokenizers published have 33 MB (Gemma 3); one of a million tokens about 60."""
JSON_VALUES = 4_000_000
"""Of a JSON document: Gemma's tokenizer has 2 million. Each takes up to 80 bytes."""
CONFIG_BYTES = 4 << 20
"""Of a config of any format: the largest of models, with a row a layer and a label a class, 0.1."""
TOML_BYTES = 1 << 20
"""Token sets of 100,000 words; Python's parser takes a second for as much."""
YAML_BYTES = 8 << 20
"""SAELens' table of 13,857 SAEs has 2 MB."""
YAML_VALUES = 300_000
"""Of a YAML document, aliases written out: that table has 140,000."""
DEPTH = 64
"""How deep lists and tables lie in one another: configs need 6, token sets 4."""
KEY_PARTS = 8
"""Of a dotted key of TOML; the parser's time grows with their square."""
DIGITS = 100
"""Of a whole number: 10^30 stands in real tokenizers for "no limit"."""

# What is shown
LONGEST_SHOWN = 1_000
"""Characters of a name or description in a line; ours have a few dozen."""
LONGEST_TOKEN_SHOWN = 200
"""Characters of a token; the longest of real vocabularies are 128 spaces."""

# Token sets
LONGEST_SET_NAME = 1_000
"""Characters of a set's name; the longest of published gene sets have under 100."""
LONGEST_SET_TEXT = 20_000
"""Characters of a set's description or source: pages of text."""
LONGEST_WORD = 1_000
"""Characters of a word in a list, and of a token that is read as a word; none is longer."""
GMT_BYTES = 2**26
"""64 MB: all of MSigDB in one file has half of it."""
GMT_MEMBERS = 2**20
"""Members of a line; no vocabulary has many more tokens."""
LONGEST_PATTERN = 10_000
"""Characters of a regular expression; longer ones are lists of words."""
PATTERN_SECONDS = 1.5
"""Of computing, for one pattern over a whole vocabulary; ours take a tenth of one."""
PATTERN_BYTES = 2**30
"""Of memory, for the process that matches patterns."""

# Vocabularies
VOCABULARY_BYTES = JSON_BYTES
"""Of a tokenizer's file that is no JSON, unpacked; the largest published have 5 MB."""
TIKTOKEN_BYTES = 16 << 20
"""Of a tiktoken file, unpacked; that of GPT-4o, with 200,000 tokens, has 3.6."""
LARGEST_ID = 2**24 - 1
"""More tokens than any vocabulary has; an id beyond it is damage."""
MOST_UNUSED_IDS = 2**20
"""Ids below the largest that no token has; padding and reserved rows are some thousands."""
MOST_SPECIAL = 2**16
"""Special tokens that a file counts without naming them; Mistral's has 1,000."""

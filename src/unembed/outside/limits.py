"""How much is taken from outside: every limit, and why it is where it is."""

from __future__ import annotations

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
YAML_BYTES = 2**25
"""32 MB: a million words."""
TOML_BYTES = 2**22
"""4 MB, which its parser, in Python, reads in seconds."""
SET_FILE_NODES = 1_000_000
"""Texts, lists and tables of a file, those that aliases repeat counted each time."""
SET_FILE_DEPTH = 30
"""How deep lists and tables may lie in one another; sets need no more than four levels."""
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
VOCABULARY_BYTES = 2**26
"""64 MB of a tokenizer's file; the largest published have 35."""
VOCABULARY_NODES = 6_000_000
"""Lists and tables in a tokenizer's JSON: pieces with scores, and pairs to merge."""
LARGEST_ID = 2**24 - 1
"""More tokens than any vocabulary has; an id beyond it is damage."""
MOST_UNUSED_IDS = 2**20
"""Ids below the largest that no token has; padding and reserved rows are some thousands."""
MOST_SPECIAL = 2**16
"""Special tokens that a file counts without naming them; Mistral's has 1,000."""

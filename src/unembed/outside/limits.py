"""How much is taken from outside: every limit, and why it is where it is."""

from __future__ import annotations

# Documents
JSON_BYTES = 64 << 20
"""The largest tokenizers published have 33 MB (Gemma 3); one of a million tokens about 60."""
JSON_VALUES = 4_000_000
"""Values in a JSON document: Gemma's tokenizer has 2 million. Each takes up to 80 bytes."""
CONFIG_BYTES = 4 << 20
"""A config of any format; those of models with a row a layer and a label a class have 0.1 MB."""
INDEX_BYTES = 32 << 20
"""Which shard each tensor is in; the largest published has 9 MB (DeepSeek V3)."""
LISTING_BYTES = 32 << 20
"""What is kept of a repository: the names of its files, of which the largest have 100,000."""
TABLE_BYTES = 8 << 20
"""SAELens' table of 13,857 published SAEs, in YAML, has 2 MB."""
UNPACKING_BYTES = 128 << 20
"""Memory to unpack that table with: the strongest setting, which it is packed with, takes 65 MB."""
YAML_VALUES = 300_000
"""Values in a YAML document, aliases written out: that table has 100,000."""
DEPTH = 64
"""How deep lists and tables lie in one another in a document: configs need 6."""
DIGITS = 100
"""Digits of a whole number: 10^30 stands in real tokenizers for "no limit"."""
CORPUS_BYTES = 256 << 20
"""A text that a lens is fitted on: 1,000 prompts of 128 tokens are half a megabyte."""

# Fields of documents
LONGEST_FIELD = 1_000
"""Characters of a name, a hook or a path in a config; the longest published have 100."""
LAYERS = 10_000
"""Layers of a model, heads of a layer; the largest published have 126 and 128."""
EXPERTS = 100_000
"""Experts of a layer; the largest published have 512."""
WRITTEN_TO = 500
"""Layers or models that one dictionary writes to, each of which is a bank; the most are 62."""
WIDTH = 10_000_000
"""Width of a residual stream; the largest published is 18,432."""
FEATURES = 1_000_000_000
"""Features of a dictionary; the largest published has 16 million."""

# Exports of Neuronpedia
EXPORT_BYTES = 1 << 30
"""Of one packed file of an export; the largest that are published have some 30 MB."""
EXPORT_UNPACKED_BYTES = 8 << 30
"""Of such a file, unpacked, a line at a time: activations of 1,024 features have 200 MB."""
EXPORT_LINE_BYTES = 16 << 20
"""Of one line of it: a feature, an explanation with its embedding, or one text of 1,000 tokens."""
EXPORT_FILES = 100_000
"""Files of one kind in an export; a dictionary of 16 million features has 16,000."""
EXPLANATION = 10_000
"""Characters of an explanation; the site itself takes 512."""
EXAMPLE_TOKENS = 100_000
"""Tokens of a text that a feature fires on; published ones have 128 to 1,024."""
DASHBOARD_BYTES = 512 << 20
"""A file of SAEDashboard's: 256 features with 45 texts of 128 tokens each have 60 MB."""
DASHBOARD_VALUES = 40_000_000
"""Values in such a file: those have 3 million."""

# References
REFERENCE = 4_096
"""Characters of a reference: Linux takes no longer path."""
PLACES = 20_000
"""Places or banks that one reference names; all SAEs that SAELens knows are 13,857."""

# Questions
LONGEST_CONDITION = 1_000
"""Characters of a condition on features; its SQL is read in a time that grows with their cube."""

# What is shown
LONGEST_SHOWN = 1_000
"""Characters of a name or description in a line; ours have a few dozen."""
LONGEST_TOKEN_SHOWN = 200
"""Characters of a token; the longest of real vocabularies are 128 spaces."""

# Token sets
TOML_BYTES = 1 << 20
"""A TOML file of 100,000 words; Python's parser takes a second for as much."""
YAML_BYTES = 8 << 20
"""A YAML file; the whole default collection has 1 MB."""
KEY_PARTS = 8
"""Parts of a dotted key of TOML; the parser's time grows with their square."""
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

# Tensors
SPREAD_BYTES = 1 << 30
"""The most that a view which repeats itself (a stride of 0) may fill: it says nothing new."""
TENSOR_NAME = 1000
"""Characters of a tensor's name; those of published checkpoints have up to 200."""
TENSOR_AXES = 64
"""Axes of a tensor: NumPy's own limit."""
TENSOR_NUMBERS = 2**58
"""In one tensor, an axis of none counted as one: as many as have an address at 16 bytes each."""
TENSOR_HEADER_BYTES = 25 << 20
"""A header of tensors, which becomes twenty times as much in memory; the largest that is published
has 10 MB."""
ARRAY_HEADER_BYTES = 10_000
"""The header of a NumPy array, which is read as a Python literal; NumPy's own limit."""
PICKLE_BYTES = 8 << 20
"""A torch file's pickle, without its tensors: 60,000 of them. A byte may become a list."""
PICKLE_NODES = 1_000_000
"""Values in a torch file's containers: an optimizer's state has five a tensor."""
ZIP_DIRECTORY_BYTES = 16 << 20
"""A zip's directory: torch writes an entry of about 110 bytes for each tensor."""
INFLATED_BYTES = 256 << 20
"""What a zip's entry may become whatever it is packed to: zeros alone are packed a thousandfold."""
INFLATED_TIMES = 100
"""How many times as large an entry beyond that may become: weights hardly shrink."""
GGUF_KEYS = 65_536
"""Metadata values of a GGUF file; models have about 50."""
GGUF_TENSORS = 200_000
"""Tensors of a GGUF file; the largest models have 2,500."""
GGUF_ITEMS = 4_000_000
"""Items of all lists in a GGUF file's metadata: the four of a vocabulary of 256,000 tokens have 1.3
million."""
GGUF_AXES = 4
"""Axes of a tensor in GGUF: the format's own limit."""
DIRECTIONS_SIZE = (1e-30, 1e30)
"""The size of W_U in which products with it are right in float32."""

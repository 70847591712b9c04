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

SPREAD_BYTES = 1 << 30
"""The most that a view which repeats itself (a stride of 0) may fill: it says nothing new."""
TENSOR_NAME = 1000
"""Characters of a tensor's name; those of published checkpoints have up to 200."""
TENSOR_AXES = 64
"""Axes of a tensor: NumPy's own limit."""
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

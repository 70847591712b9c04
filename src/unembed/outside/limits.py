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

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
YAML_VALUES = 200_000
"""Values in a YAML document, aliases written out: that table has 100,000."""
DEPTH = 64
"""How deep lists and tables lie in one another in a document: configs need 6."""
DIGITS = 100
"""Digits of a whole number: 10^30 stands in real tokenizers for "no limit"."""

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

# References
PLACES = 20_000
"""Places or banks that one reference names; all SAEs that SAELens knows are 13,857."""

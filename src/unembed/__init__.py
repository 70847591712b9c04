"""Reads what a language model's features write.

>>> import unembed
>>> unembedding = unembed.load_unembedding("gpt2")  # doctest: +SKIP
>>> features = unembed.load_features("mlp:8", model="gpt2")  # doctest: +SKIP
>>> sets = unembed.build_token_sets(unembedding.vocabulary)  # doctest: +SKIP
>>> run = unembed.analyze(
...     unembedding, features, "runs/gpt2-mlp", token_sets=sets
... )  # doctest: +SKIP
>>> run.features.sort("kurtosis", descending=True)  # doctest: +SKIP
>>> run.enrichment("mlp.8/7")  # doctest: +SKIP

What there is stands in `__init__.pyi`, here and in the packages below: each is imported when it is
first used, so that reading a run never waits for torch.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

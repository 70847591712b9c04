"""The same feature in two banks: best matches by the cosine of logit weights."""

from unembed.matching.banks import Matches, Side, match
from unembed.matching.of_run import BankMatches, follow, match_banks
from unembed.matching.settings import By

__all__ = ["BankMatches", "By", "Matches", "Side", "follow", "match", "match_banks"]

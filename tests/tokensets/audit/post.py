"""The post's sets, by what their patterns say over decoded text."""

from __future__ import annotations

from string import ascii_lowercase

from .surface import cat, every, first, mark, of, sized, some, start, whole
from .tokens import Says


def _digit(c: str) -> bool:
    return cat(c) == "Nd"


def _ascii_capital(c: str) -> bool:
    return "A" <= c <= "Z"


def _money(word: str) -> bool:
    country = word[:-1]
    return cat(word[-1:] or "a") == "Sc" and len(country) <= 2 and all(map(_ascii_capital, country))


def _symbol(word: str) -> bool:
    money_or_quote = word == "`" or cat(word[0]) == "Sc" if len(word) == 1 else True
    return not money_or_quote and (cat(word)[0] == "S" or word in "*@/\\_•§¶†‡")


_PENN: dict[str, Says] = {
    ".": of(lambda w: w == "." or (bool(w) and set(w) <= set("!?"))),
    ",": every(lambda c: c == ","),
    ":": of({":", ";", "-", "--", "---", "–", "—", "…", "...", "...."}.__contains__),
    "(": of(set("([{").__contains__),
    ")": of(set(")]}").__contains__),
    "``": of({"`", "``", "“", "‘", '"'}.__contains__),
    "''": of({"'", "''", "”", "’", '"'}.__contains__),
    "$": of(_money),
    "#": of(lambda w: w == "#"),
    "SYM": of(_symbol),
}

POST: dict[str, Says] = {
    "post:starts_with_space": whole(lambda text: text[:1] == " "),
    "post:starts_with_capital": first(_ascii_capital),
    "post:starts_with_lower": first(lambda c: c in ascii_lowercase),
    "post:all_digits": every(_digit),
    "post:is_punctuation": every(mark),
    "post:contains_close_bracket": some(lambda c: c == ")"),
    "post:contains_open_bracket": some(lambda c: c == "("),
    "post:all_caps": every(_ascii_capital),
    **{f"post:{n}_digit{'s' * (n > 1)}": sized(every(_digit), n, n) for n in range(1, 5)},
    **{f"post:length_{n}": sized(every(start), n, n) for n in range(1, 6)},
    **{f"penn:{tag}": says for tag, says in _PENN.items()},
}

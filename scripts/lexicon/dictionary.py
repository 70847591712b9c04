"""English words in lower case: what tells a word from a piece of one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from scripts.lexicon.inflections import SPEECH, forms_of
from scripts.lexicon.sources import SCOWL, folder_of

_LISTS = ("english-words", "american-words", "british-words", "british_z-words")
_SIZES = (10, 20, 35, 40, 50, 55, 60)
"""SCOWL's lists by how common a word is; 60 is what its spelling dictionaries take."""
_SHORT = 3
_SIZE_OF_SHORT = 35
"""From there on, words of three letters are mostly abbreviations (ref, sim), or rare."""
_LOWER = re.compile("[a-z]+")

_TWO_LETTERS = """ad ah am an as at ax be by do eh go ha he hi hm if in is it ma me my no
    of oh ok on or ox pa pi so to uh um up us we ya ye yo""".split()
_ONE_LETTER = ["a", "i"]
_RECENT = """addon addons admins badass biome biomes bitcoin bitcoins blockchain cafe
    cafes cannabinoid cannabinoids captcha chipset codec commenter commenters cooldown
    cooldowns cornerback cornerbacks counterterrorism creatine crowdfunding crypto
    cryptocurrency cryptographic customizable cybersecurity dataset datasets defenseman
    defund ebook ebooks emoji emojis epigenetic esports fanbase fiance filename filesystem
    filmmaking frontend frontline frontman frontrunner gameplay gamer gamers genomic
    glutamate glyphosate graphene haha hashtag hashtags hashtagged homebrew hotline
    infographic interoperability lakh leptin lightsaber linebacker linebackers livestream
    lockdown lockdowns lol malware matchup matchups melee microbiome microbiota midrange
    millennial millennials mins namespace namespaces neoliberal offline offseason online
    playthrough podcast podcasts protestor protestors ransomware renewables repo repos
    respawn responders roadmap rollout scalable selfie selfies shader shaders smartphone
    smartphones spaceship starship storyline storylines streamer streamers subreddit
    subreddits takedown telecom timeframe tooltip transformative undead undrafted unfollow
    upvote url usb vlog webpage webpages wellbeing whistleblower whistleblowers wifi
    workaround workarounds backend tbsp tsp etc vs aka""".split()
"""Words that came into use after the lists, and what they leave out of the language of the web."""


def words() -> list[str]:
    """Return the words, sorted: the lexicon's, with inflected forms, and those of SCOWL's lists."""
    found = {form for pos in SPEECH for forms in forms_of(pos).values() for form in forms}
    found.update(_scowl(), _RECENT)
    longer = {word for word in found if _LOWER.fullmatch(word) and len(word) >= _SHORT}
    return sorted(longer.union(_ONE_LETTER, _TWO_LETTERS))


def _scowl() -> Iterator[str]:
    for size in _SIZES:
        for word in _listed(size):
            if len(word) > _SHORT or (len(word) == _SHORT and size <= _SIZE_OF_SHORT):
                yield word


def _listed(size: int) -> Iterable[str]:
    for name in _LISTS:
        path = folder_of(SCOWL, "english-words.10") / f"{name}.{size}"
        if path.is_file():
            yield from path.read_text(encoding="latin-1").split()

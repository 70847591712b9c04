"""Classes of words that have an end, stated by hand: what a set must hold, and no more."""

from __future__ import annotations

import keyword

_MONTHS = "January February March April May June July August September October November December"
_CUT = "Jan Feb Mar Apr Jun Jul Aug Sep Sept Oct Nov Dec"
_DOTTED = " ".join(f"{month}." for month in _CUT.split())
_SMALL_MONTHS = (
    "january february april june july september october november december "
    "jan feb apr jul aug sept oct nov"
)
_DAYS = (
    "Monday Tuesday Wednesday Thursday Friday Saturday Sunday Mondays Tuesdays Wednesdays "
    "Thursdays Fridays Saturdays Sundays"
)
_CUT_DAYS = "Mon Tue Tues Wed Thu Thur Thurs Fri Sat Sun"
_SMALL_DAYS = f"{_DAYS.lower()} tues thu thur thurs fri"
_ANY_MONTH = f"{_MONTHS} {_CUT} {_DOTTED} {_SMALL_MONTHS}"
_ANY_DAY = f"{_DAYS} {_CUT_DAYS} {_SMALL_DAYS}"

_CALENDAR = {
    "months": _MONTHS,
    "months_without_capital": _SMALL_MONTHS,
    "months_dotted": _DOTTED,
    "months_any_form": _ANY_MONTH,
    "weekdays": _DAYS,
    "weekdays_without_capital": _SMALL_DAYS,
    "weekdays_any_form": _ANY_DAY,
    "months_and_weekdays": f"{_ANY_MONTH} {_ANY_DAY}",
}

CLOSED: dict[str, str] = {
    **_CALENDAR,
    "articles": "the a an",
    "article_definite": "the",
    "articles_indefinite": "a an",
    "pronouns_demonstrative": "this that these those",
    "pronouns_reflexive": (
        "myself yourself himself herself itself oneself ourselves ourself yourselves "
        "themselves themself thyself"
    ),
    "pronouns_first_person_singular": "I me my mine myself",
    "pronouns_first_person_plural": "we us our ours ourselves ourself",
    "pronouns_third_person": (
        "he him his himself she her hers herself it its itself they them their theirs "
        "themselves themself"
    ),
    "pronouns_masculine": "he him his himself",
    "pronouns_feminine": "she her hers herself",
    "pronouns_neuter": "it its itself",
    "pronouns_subject": "I he she we they thou",
    "pronouns_object": "me him her us them thee",
    "pronouns_possessive_determiners": "my your his her its our their thy",
    "modals": "can could may might must shall should will would ought cannot",
    "auxiliaries_present": (
        "am is are has have does do can will shall may must isn't aren't hasn't haven't doesn't "
        "don't can't won't isn’t aren’t hasn’t haven’t doesn’t don’t can’t won’t cannot"
    ),
    "auxiliaries_past": (
        "was were had did could would should might wasn't weren't hadn't didn't couldn't "
        "wouldn't shouldn't wasn’t weren’t hadn’t didn’t couldn’t wouldn’t shouldn’t"
    ),
    "forms_of_be": "be am is are was were been being",
    "forms_of_have": "have has had having 've ’ve",
    "forms_of_do": "do does did done doing",
    "conjunctions_coordinating": "and or but nor yet so for",
    "question_words": "who whom whose what which when where why how",
    "quantifiers_distributive": "each every either neither",
    "numbers_one_to_ten": "one two three four five six seven eight nine ten",
    "numbers_eleven_to_nineteen": (
        "eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
    ),
    "number_words": (
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
        "fifteen sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy "
        "eighty ninety hundred thousand million billion trillion quadrillion hundreds thousands "
        "millions billions trillions quadrillions dozen dozens lakh lakhs crore crores zillion "
        "zillions bn mn"
    ),
    "numbers_tens": "twenty thirty forty fifty sixty seventy eighty ninety",
    "numbers_ordinal_small": "first second third fourth fifth sixth seventh eighth ninth tenth",
    "greek_letters": (
        "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi "
        "rho sigma tau upsilon phi chi psi omega"
    ),
    "us_states": (
        "Alabama Alaska Arizona Arkansas California Colorado Connecticut Delaware Florida "
        "Georgia Hawaii Idaho Illinois Indiana Iowa Kansas Kentucky Louisiana Maine Maryland "
        "Massachusetts Michigan Minnesota Mississippi Missouri Montana Nebraska Nevada Ohio "
        "Oklahoma Oregon Pennsylvania Tennessee Texas Utah Vermont Virginia Washington "
        "Wisconsin Wyoming"
    ),
    "roman_numerals_capital": (
        "II III IV V VI VII VIII IX X XI XII XIII XIV XV XVI XVII XVIII XIX XX XXI XXII XXIII "
        "XXIV XXV XXVI XXVII XXVIII XXIX XXX"
    ),
    "ordinal_endings": "st nd rd th",
    "chemical_elements": (
        "hydrogen helium lithium beryllium boron carbon nitrogen oxygen fluorine neon sodium "
        "magnesium aluminum aluminium silicon phosphorus sulfur sulphur chlorine argon "
        "potassium calcium scandium titanium vanadium chromium manganese iron cobalt nickel "
        "copper zinc gallium germanium arsenic selenium bromine krypton rubidium strontium "
        "yttrium zirconium niobium molybdenum technetium ruthenium rhodium palladium silver "
        "cadmium indium tin antimony tellurium iodine xenon caesium cesium barium lanthanum "
        "cerium praseodymium neodymium promethium samarium europium gadolinium terbium "
        "dysprosium holmium erbium thulium ytterbium lutetium hafnium tantalum tungsten "
        "rhenium osmium iridium platinum gold mercury thallium lead bismuth polonium astatine "
        "radon francium radium actinium thorium protactinium uranium neptunium plutonium "
        "americium curium berkelium californium einsteinium fermium mendelevium nobelium "
        "lawrencium rutherfordium dubnium seaborgium bohrium hassium meitnerium darmstadtium "
        "roentgenium copernicium nihonium flerovium moscovium livermorium tennessine "
        "oganesson"
    ),
    "chemical_symbols": (
        "He Li Be Ne Na Mg Al Si Cl Ar Ca Sc Ti Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr Rb Sr "
        "Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er "
        "Tm Yb Lu Hf Ta Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa Np Pu Am Cm Bk Cf "
        "Es Fm Md No Lr Rf Db Sg Bh Hs Mt Ds Rg Cn Nh Fl Mc Lv Ts Og"
    ),
    "keywords:python": " ".join((*keyword.kwlist, "match", "case")),
}
"""Set → its words, as a sentence has them. A member is one of them, whatever its case."""

LEFT_OUT = {"V", "X"}
"""Of `roman_numerals_capital`: numerals of one letter, which are letters."""

FUNCTION_WORDS = """the a an and or but nor so yet for of in on at by to from with about
    into over under after before between through during without within against among upon
    toward towards until since than as if because although though while whereas unless
    whether that this these those i me my mine we us our ours you your yours he him his
    she her hers it its they them their theirs who whom whose which what when where why
    how be am is are was were been being have has had having do does did done doing can
    could may might must shall should will would ought not no never none nothing nobody
    each every either neither both all any some few many much more most less least several
    such other another same own here there then now just only even also too very quite
    rather almost always often sometimes again ever already soon once twice perhaps maybe
    however therefore thus hence yes one two three four five six seven eight nine ten
    first second third myself yourself himself herself itself ourselves themselves""".split()
"""Words of closed classes that every list of English words has."""

NO_WORDS = "th wh tion ombs didn doesn couldn wouldn isn aren ij rd xyz qu zz htt".split()
"""Pieces, and what tokenizers leave of contractions."""

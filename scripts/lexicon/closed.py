"""Closed-class words, which lexicons of open classes list under rare meanings (he: helium)."""

CLOSED = frozenset(
    """a an the i me my mine myself we us our ours ourselves you your yours yourself yourselves he
    him his himself she her hers herself it its itself they them their theirs themselves this that
    these those who whom whose which what where when why how whoever whatever whichever wherever
    whenever someone somebody something anyone anybody anything everyone everybody everything
    no-one nobody nothing none one ones each every either neither both all any some few many much
    more most less least several such other others another same own no not nor never and or but
    yet so for because although though while whereas if unless until till since as than whether
    that in on at by to from of off out up down over under above below between among through
    during before after about against across along around behind beside besides beyond despite
    except inside into like near onto outside past per round throughout toward towards underneath
    upon via with within without be am is are was were been being have has had having do does did
    doing done can could may might must shall should will would ought need dare there here then
    now just only even also too very quite rather almost always often sometimes again ever already
    soon once twice perhaps maybe however therefore thus hence yes""".split()
)

"""A run's questions for assistants, as tools of the Model Context Protocol (`unembed mcp`).

`tools` says what can be asked, each a function of `questions` with a bounded answer; `answers`
keeps them short; `server` offers them on standard input and output, with the extra `mcp`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

"""Every reader of what comes from outside, held against input that is nearly right.

A case is a small real file, or a folder of them, with a few changes; strategies of `hypothesis`
draw them. Its reader is called in a process with little memory, and must return a value or raise an
`UnembedError` of a few printable lines, soon, without a write anywhere else.

- `seeds`: the real files; `mutations`: what is done to them; `strategies`: what is drawn;
- `readers`: what is called; `worker`, `trial`: the process it is called in, from both sides;
- `hunt`: cases one after the other, the smallest case of each fault, and what they came to;
- `corpus`: the smallest cases of faults that were found once, each an ordinary test.

`make fuzz` draws a million.
"""

"""Runs that are ended at any moment, however hard, and go on: they end with the same bytes.

- `arrangement`: what a round does to a run before it may finish, drawn from a number;
- `rounds`: one round, each attempt in a process of its own, forked from one that has read all;
- `test_kill`: a few rounds. `make kill` does a thousand.
"""

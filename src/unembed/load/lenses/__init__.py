"""Lenses from files and by name: one matrix a layer, each read when it is asked for.

A layer is the output of a block, counted from 0, whatever its file calls it; -1 is the embedding.
"""

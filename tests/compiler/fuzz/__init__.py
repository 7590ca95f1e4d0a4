"""Random programs in great numbers, compiled against eager.

A program is a value: lines of Python source, what they are given, and how the calls differ. One whole number decides all of it.
`drafts` writes programs, `statements` draws their lines, `worlds` runs one eagerly and compiled and compares, `noise` tells
rounding from faults, `shrinking` makes a failing program small, `run` is the command.
"""

"""Calling: what a user calls is decided, made and run.

In go arguments, out come the function's results: by a program whose guards hold, else by a new one, else by the function.
Invariant: a call gives what the function would give, or nothing is changed and the function is called. Derivatives
(`derivative`), sizes that vary (`sizes`, `general`) and the checking build (`memcheck`) are kinds of programs.
"""

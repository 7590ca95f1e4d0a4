"""Advice: what a program does that is often a mistake, with the line and what to do instead."""

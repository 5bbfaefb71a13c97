"""Checks of an implementation with the specification's vectors (SPEC.md, "Conformance").

In: vectors of a specification. Out: what this implementation answers, and which answers, of this or
any other implementation, are right. Nothing here is used to compute a score.
"""

"""The self test: checks that this machine repeats the recorded bits of every stage
(docs/reproducing.md).

Each part takes inputs that are the same everywhere, never another part's output, so that a wrong
stage is found by itself.
"""

"""ONNX graphs as programs of exact operations (docs/programs.md, section "ONNX files").

In: a file of somebody else. Out: the same operations as those of torch programs, in the order of
the file: nothing is fused, reordered or left out but what the output does not need.
"""

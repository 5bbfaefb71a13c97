"""Drawing the demo suite's images. Start at ../make_demo.py."""

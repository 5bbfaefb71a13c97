"""A linear layer trained by AdamW on balanced classes (SPEC.md, section 10.1)."""

"""The embed stage: images to features, which the store keeps (SPEC.md, section "Features").

In: a manifest, a backbone and a store. Out: float32 features and pixel digests in manifest order. A
new way to compute features is a backbone, and belongs to models/.
"""

"""How a request reaches a model: wire formats, tiers, caches, providers and the gateway.

Other apps enter by `facade` and `contracts` only.
"""

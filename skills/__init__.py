"""What agents can be taught: a registry of skills, and the matching of a task to a skill.

Other apps enter by `facade` and `contracts` only.
"""

"""ERRANDS: an agent asks for work and goes on; a worker has the ladder do it, once, and tells whoever wants to know.

POST /api/v1/tasks/ ─▶ errand row ─▶ a worker takes it, with a lease ─▶ the gateway's stages ─▶ answer ─▶ webhook
"""

"""The gateway: an agent's request walks the ladder, and every attempt is in the ledger.

identify ▸ plan ▸ dispatch ▸ gate ▸ account
"""

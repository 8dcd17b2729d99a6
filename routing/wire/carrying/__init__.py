"""Requests, answers and streams carried from one protocol to another. Pure: plain objects in, plain objects out.

OpenAI's chat is in the middle: a response reaches Anthropic's messages through it. What a protocol has no words for is
dropped and named, or cannot be carried where the request needs it.
"""

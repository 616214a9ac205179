"""Parts that streams between blocks are made of: layouts, registers, buffers, memories,
multipliers.
"""

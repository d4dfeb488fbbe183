"""Learning a style: pictures and a recipe in, a file out. No gRPC, storage or settings.

Axes in names: B batch, T stages, L tokens of a prompt, C channels or width, H height, W width.
"""

"""The picture maker: canvas, drawing styles, scenes and their captions."""

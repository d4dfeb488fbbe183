"""`webtoon-tiny`: a small family trained only on pictures that this package draws."""

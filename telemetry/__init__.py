"""What agents did with tokens: recorded, observed, reported. Other apps enter by `facade` and `contracts` only."""

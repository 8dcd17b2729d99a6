"""Results that are kept for who asks the same again: `fingerprint` says what is the same, `results` keeps."""

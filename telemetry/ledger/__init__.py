"""WRITE: validate, price, count once, store. The only code that writes calls."""

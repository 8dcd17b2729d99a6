"""The rules of the house: each file one rule, each rule with a bad sample that must turn it red."""

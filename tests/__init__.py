"""The tests: unit (no database), db, edges, browser, faults, acceptance, and the rules of the house."""

"""The rules of the house: money, states, totals, documents. Standard library only."""

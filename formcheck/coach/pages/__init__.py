"""The pages of the live window, as values and as drawn."""

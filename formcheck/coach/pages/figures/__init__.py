"""A module for each exercise: where the laptop may stand, and the person, drawn."""

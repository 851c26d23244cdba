"""From landmarks to measures: geometry, camera views, the formulas of each exercise, and their status."""

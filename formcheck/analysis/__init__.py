"""The one judge: landmarks and a definition become an `Analysis` with its summary."""

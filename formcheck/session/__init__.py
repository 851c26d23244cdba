"""The record: stored sessions, their files, and judging them again."""

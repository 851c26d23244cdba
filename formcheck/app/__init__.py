"""The app that a patient opens: pages of this computer, in a window of their own."""

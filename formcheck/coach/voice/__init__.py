"""What makes sentences and tones audible."""

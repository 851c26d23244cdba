"""Everything a clinician may change: the exercise definitions and prescriptions, and how they are checked."""

"""The live session: what is said and shown to the patient, and when."""

"""From pictures to 33 landmarks: the pose engines, who the patient is, tracks and filters."""

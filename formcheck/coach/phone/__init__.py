"""The page that a phone opens, and the socket in the home network that it talks to while a session runs."""

"""How a body and its signal are drawn, on the screen, in the annotated video and in stills."""

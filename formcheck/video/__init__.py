"""Pictures in and out: video files, cameras, clips played as cameras, the writer, and the light in a picture."""

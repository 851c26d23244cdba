"""Pictures in and out: video files, cameras, clips played as cameras, the writer, and light."""

"""What is handed on: the annotated video, the page, the PDF, stills and exports."""

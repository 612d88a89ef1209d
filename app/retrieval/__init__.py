"""Finding: from a question to judged evidence."""

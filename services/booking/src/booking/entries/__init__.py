"""Who waits, for what, and which slots they were offered: rows that appointments know, too."""

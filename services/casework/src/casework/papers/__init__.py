"""Papers: PDFs of applications and receipts, and the package that is handed over."""

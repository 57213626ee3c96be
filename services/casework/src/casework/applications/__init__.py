"""An application: its form, the document it becomes, confirmation and signature."""

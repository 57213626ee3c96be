"""The retention clock: what is stored about people goes when its time is over (GDPR Art. 5 (1) e)."""

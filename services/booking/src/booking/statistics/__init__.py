"""How the office is used, by week and service; nothing here needs to know a person."""

"""Messages to citizens: templates, mails, calendar entries, delivery."""

"""Appointments: booked, looked at, moved, cancelled, missed, handed out and erased."""

"""What leads and clerks plan: the office's timetable, and times at which somebody is not there."""

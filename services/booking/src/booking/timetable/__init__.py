"""When an office is open and who is on duty then, as its timetable says."""

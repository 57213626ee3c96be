"""When an office serves whom: opening hours, closures, the roster of clerks with shifts and skills, blocked times."""

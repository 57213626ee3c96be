"""The shared language of Schalter: events, subjects, samples, offices and the service catalogue.

Nothing here does anything: no I/O but reading the files that describe offices and services. Every service depends on
this package and on no other service.
"""

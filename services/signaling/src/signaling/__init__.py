"""Rooms, presence, admission and the relay of the call's signaling."""

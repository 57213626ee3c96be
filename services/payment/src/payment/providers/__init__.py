"""Payment providers behind one protocol. A new one joins by implementing `base.Provider` and passing its suite."""

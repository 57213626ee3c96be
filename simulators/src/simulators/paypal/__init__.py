"""An honest process that speaks PayPal's REST protocol, for development and tests. It moves no money."""

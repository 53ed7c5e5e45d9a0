"""A trained joint model, used on recordings."""

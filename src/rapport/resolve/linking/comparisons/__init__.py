"""How one aspect of two persons is compared: a class a method, listed in `methods`; `comparison` is their contract."""

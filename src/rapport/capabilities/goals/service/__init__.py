"""Goals in decisions (`scoring`), what they rest on (`reckoning`), what another mix would change (`trying`)."""

"""Where all rooms meet: settings, wiring, the HTTP server, the worker and the command line."""

"""`python -m rapport` is the `rapport` command."""

from rapport.app.cli import main

if __name__ == "__main__":
    main()

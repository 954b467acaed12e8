"""Use cases of journeys: to write one, to enter, to go on, to try it on the past, to see what it is worth."""

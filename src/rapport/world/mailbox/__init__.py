"""The simulated shop's mailbox: a mail server that delivers nothing, and a page to read what it was handed.

People of the simulated town have addresses that are nobody's; what Rapport writes to them ends here.
"""

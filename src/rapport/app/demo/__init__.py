"""`rapport demo`: a simulated shop comes to life in a real Rapport, through the endpoints any client uses.

`running` is the demonstration from start to Ctrl-C; `shop` prepares and keeps what is in the data folder, `processes`
are its server and its storefront, `posting` its mailbox, `engaging` what it does with its customers, `measuring` writes
the scorecard, `learning` has the shop learn who is one person.
"""

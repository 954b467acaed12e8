"""The audit trail: who saw whom, who changed what. It only grows, and whoever changes it later is found out."""

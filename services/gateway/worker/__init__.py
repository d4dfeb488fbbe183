"""The process that carries jobs from the gateway's queue to the model services."""

"""Who a call acts for, and who may make it."""

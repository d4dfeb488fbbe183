"""Korean prompts to the English that a family was taught, on our own machine."""

"""One trace format each: what its files look like, what they tell, and how that becomes the tables of the house."""

"""One module per change of the schema; none is ever edited once released."""

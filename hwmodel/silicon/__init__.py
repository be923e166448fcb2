"""What chips were measured to do: tables of kernel times, what a model must predict of them, and how well it does."""

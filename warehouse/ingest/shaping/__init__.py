"""From cells to contracts: rules for rows, order and lineage of calls, tools, and the finished frames."""

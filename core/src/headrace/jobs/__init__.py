"""Jobs: flows in an order, with one schedule and one status; and packages of jobs. A job is a flow that calls flows."""

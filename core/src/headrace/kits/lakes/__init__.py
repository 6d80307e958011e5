"""Tables of a lake: files beside a log of commits, in a folder of the worker or in a bucket."""

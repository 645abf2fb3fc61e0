# Task classification: top-1 and top-5.

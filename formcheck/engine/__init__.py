"""From measures to repetitions and faults: start position, rest, counting, judging; live and recorded."""

"""From measures to repetitions and faults: rest, start position, counting, judging, live and recorded alike."""

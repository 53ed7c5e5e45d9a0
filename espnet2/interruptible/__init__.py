"""Trainings that a crash, a signal or a scheduler costs a step, not a day."""

"""The comparison of gradient methods: plans, runs, figures and tables."""

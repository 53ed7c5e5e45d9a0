"""Speech sent over a simulated radio link: the pairs, the corpus, how real it looks."""

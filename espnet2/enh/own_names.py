"""Names that stock ESPnet does not know, for what need not load PyTorch."""

GLOBAL_MVN_BLSTM = "global_mvn_blstm"
OWN_SEPARATOR_NAMES = (GLOBAL_MVN_BLSTM,)

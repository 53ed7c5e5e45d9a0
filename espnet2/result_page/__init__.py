"""One self-contained HTML page of results; the command is espnet2.bin.result_page."""

"""Report: tables, figures and the page; every one of them reads only scores and named tables."""

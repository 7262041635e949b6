"""Library of mechanisms: one file per family. Adding a file adds its mechanisms (`convgauge.diagnosis.mechanism`)."""
